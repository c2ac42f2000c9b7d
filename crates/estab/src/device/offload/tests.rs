use super::*;

#[test]
fn releases_of_the_kernel_are_compared_by_their_numbers() {
    for release in ["6.3", "6.3.0-rc1", "6.18.44-cloud-amd64", "7.0.1", "10.1"] {
        assert!(is_since(release, [6, 3]), "{release}");
    }
    for release in ["6.2.16", "5.10.0-8", "6", "", "unknown", "4.4.0"] {
        assert!(!is_since(release, [6, 3]), "{release}");
    }
}
