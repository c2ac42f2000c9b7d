use super::*;

#[test]
fn a_prefix_is_written_as_a_netmask() {
    assert_eq!(netmask(0), Ipv4Addr::UNSPECIFIED);
    assert_eq!(netmask(24), Ipv4Addr::new(255, 255, 255, 0));
    assert_eq!(netmask(32), Ipv4Addr::BROADCAST);
}

#[tokio::test]
async fn settings_out_of_range_are_refused_before_anything_is_made() {
    for builder in [
        TunBuilder::default().name("sixteen-bytes-xx"),
        TunBuilder::default().name("a/b"),
        TunBuilder::default().mtu(67),
        TunBuilder::default().mtu(65_536),
        TunBuilder::default().addr("10.0.0.300/24"),
    ] {
        let error = builder.build().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
