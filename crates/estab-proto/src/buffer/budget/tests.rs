use super::{Budget, RESERVE, Share};

const MIB: usize = 1 << 20;

#[test]
fn memory_is_free_up_to_three_quarters() {
    let mut budget = Budget::new(4 * MIB);
    assert!(budget.share().is_unlimited());
    budget.charge(0, 3 * MIB - 1);
    assert!(budget.share().is_unlimited());
    budget.charge(0, 1);
    assert!(!budget.share().is_unlimited());
    assert!(!budget.is_spent());
}

#[test]
fn under_pressure_the_holders_share_alike() {
    let mut budget = Budget::new(4 * MIB);
    budget.charge(0, 3 * MIB);
    assert_eq!(budget.share().bytes(), 2 * MIB, "half of it each way");
    budget.charge(0, 1000);
    assert_eq!(budget.share().bytes(), MIB);
    budget.charge(1000, 0);
    assert_eq!(budget.share().bytes(), 2 * MIB);
    for _ in 0..10_000 {
        budget.charge(0, 1);
    }
    assert_eq!(budget.share().bytes(), RESERVE, "never less than that");
}

#[test]
fn at_the_limit_only_the_reserve_is_left() {
    let mut budget = Budget::new(4 * MIB);
    budget.charge(0, 4 * MIB);
    assert!(budget.is_spent());
    let share = budget.share();
    assert_eq!((share.bytes(), share.beyond_reserve()), (RESERVE, 0));
    budget.charge(4 * MIB, 0);
    assert_eq!((budget.used(), budget.share()), (0, Share::UNLIMITED));
}

#[test]
fn no_budget_at_all_leaves_the_reserves() {
    assert_eq!(Budget::new(0).share().bytes(), RESERVE);
}
