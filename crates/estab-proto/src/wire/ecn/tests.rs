use alloc::string::ToString;

use super::*;

#[test]
fn every_traffic_class_keeps_its_diffserv_field() {
    for traffic_class in 0..=u8::MAX {
        let field = EcnCodepoint::of(traffic_class);
        assert_eq!(field as u8, traffic_class & 3);
        assert_eq!(field.on(traffic_class), traffic_class);
        assert_eq!(EcnCodepoint::NotEct.on(traffic_class), traffic_class & !3);
        assert_eq!(field.is_ce(), traffic_class & 3 == 3);
    }
}

#[test]
fn the_names_are_those_of_packet_scripts() {
    let names = [0, 1, 2, 3].map(|bits| EcnCodepoint::of(bits).to_string());
    assert_eq!(names, ["noecn", "ect1", "ect0", "ce"]);
}
