use super::*;
use crate::config::Ecn;
use crate::tcp::EcnMode;
use crate::wire::EcnCodepoint;

fn config(ecn: Ecn) -> TcpConfig {
    TcpConfig {
        ecn,
        ..TcpConfig::modern()
    }
}

/// Segments of `a` as they are handed to a device that cuts them.
fn whole(couple: &mut Couple) -> Vec<SegmentOut> {
    let now = couple.now;
    let mut out = Vec::new();
    while let Some(segment) = couple.a.next_segment(now) {
        out.push(segment);
    }
    out
}

#[test]
fn syns_that_cross_agree() {
    for (ecn, mode) in [
        (Ecn::Off, EcnMode::Off),
        (Ecn::Passive, EcnMode::Off),
        (Ecn::Classic, EcnMode::Classic),
        (Ecn::Accurate, EcnMode::Accurate),
    ] {
        let couple = Couple::established(&config(ecn), (1, 2));
        assert_eq!(couple.a.conn.info().ecn, mode);
        assert_eq!(couple.b.conn.info().ecn, mode);
    }
}

/// A device that cuts a super-segment clears CWR on all pieces but the first: with the bit, as a
/// signal or as part of a count, a segment stays single.
#[test]
fn the_cwr_bit_goes_on_no_super_segment() {
    let mut couple = Couple::established(&config(Ecn::Classic), (1, 2));
    couple.a.conn.set_segmentation(65_535);
    let now = couple.now;
    couple.a.send(now, &[1; 100_000]);
    let first = whole(&mut couple);
    assert!(first[0].segment_size.is_some());
    assert!(
        first
            .iter()
            .all(|seg| EcnCodepoint::of(seg.tos) == EcnCodepoint::Ect0)
    );
    let mut ack = Flying {
        seq: couple.b.conn.snd.nxt,
        ack: couple.a.conn.snd.nxt,
        ctl: Flags::ACK | Flags::ECE,
        wnd: crate::seq::WireWindow(60_000),
        up: 0,
        opts: couple.b.conn.plain_options(now),
        text: Vec::new(),
    };
    couple.a.receive(now, &ack);
    let next = whole(&mut couple);
    assert!(next[0].header.ctl.contains(Flags::CWR));
    assert_eq!(next[0].segment_size, None);
    assert!(next[1].segment_size.is_some());
    assert!(
        next[1..]
            .iter()
            .all(|seg| !seg.header.ctl.contains(Flags::CWR))
    );

    // Two marks make the count 7, which has the bit; one more makes it 0.
    let mut couple = Couple::established(&config(Ecn::Accurate), (1, 2));
    couple.a.conn.set_segmentation(65_535);
    let now = couple.now;
    for (count, is_single) in [(5, false), (6, true), (7, true), (0, false)] {
        if count != 5 {
            ack.ctl = Flags::ACK.with_ace(5);
            (ack.seq, ack.ack) = (couple.a.conn.rcv.nxt, couple.a.conn.snd.nxt);
            ack.text = alloc::vec![1; 100];
            let mut seg = ack.segment();
            seg.ecn = EcnCodepoint::Ce;
            couple
                .a
                .with(now, |conn, ctx| conn.input(ctx, &seg, RxMeta::default()));
        }
        couple.a.send(now, &[1; 6000]);
        let out = whole(&mut couple);
        let data: Vec<_> = out.iter().filter(|seg| seg.len > 0).collect();
        assert_eq!(data[0].header.ctl.ace(), count);
        let single = data.iter().all(|seg| seg.segment_size.is_none());
        assert_eq!(single, is_single, "{count}");
    }
}
