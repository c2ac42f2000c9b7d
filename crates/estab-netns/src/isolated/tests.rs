use super::*;

#[test]
fn the_name_of_a_test_is_its_path() {
    let body = || ();
    fn name_of<F: FnOnce()>(_: &F) -> String {
        test_name::<F>()
    }
    assert_eq!(
        name_of(&body),
        "isolated::tests::the_name_of_a_test_is_its_path"
    );
    let on_main = std::any::type_name_of_val(&body);
    assert!(on_main.ends_with("isolated::tests::the_name_of_a_test_is_its_path::{{closure}}"));
}
