use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::super::detect::lost_edge;
use super::super::ranges::Range;
use super::*;
use crate::recovery::tests::seeded;

const MSS: u32 = 10;

/// Nothing is overtaken, every retransmission is believed.
pub(in crate::recovery) const VIEW: View = View {
    fack: SeqNumber::new(0),
    resent_until: Instant::NEVER,
};

impl Scoreboard {
    /// Everything that must hold between calls.
    pub(in crate::recovery) fn check(&self) {
        let (mut seq, mut sums) = (self.una, Sums::default());
        let mut sacked: Vec<Range> = Vec::new();
        for index in 0..self.records.len() {
            let record = self.records.get(index).unwrap();
            assert_eq!(record.seq, seq);
            assert!(record.len > 0);
            seq = record.end();
            sums.add(record, record.len);
            if record.sacked {
                assert!(!record.lost && !record.in_retransmit);
                match sacked.last_mut() {
                    Some(last) if last.right == record.seq => last.right = record.end(),
                    _ => sacked.push(Range {
                        left: record.seq,
                        right: record.end(),
                    }),
                }
            }
            assert!(
                !(record.is_pending() && record.seq.before(self.resume)),
                "{self:?}"
            );
            let judged = record.sacked || record.lost || record.in_retransmit;
            assert!(judged || record.end().after(self.judged), "{self:?}");
        }
        assert_eq!(seq, self.nxt);
        assert_eq!(sums, self.sums);
        assert_eq!(
            sacked,
            self.ranges
                .descending()
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect::<Vec<_>>()
        );
        assert_eq!(self.first_pending().is_some(), sums.pending > 0);
    }
}

/// A board with `segments` segments of ten outstanding, from `una` on.
fn board(una: u32, segments: u32) -> Scoreboard {
    let mut board = Scoreboard::new(SeqNumber::new(una));
    for i in 0..segments {
        board.push(Instant::from_millis(u64::from(i)), MSS, MSS);
    }
    board
}

/// RFC 6675 §4, octet by octet, in its own words.
struct Literal {
    sacked: Vec<bool>,
    high_rxt: usize,
}

impl Literal {
    fn is_lost(&self, octet: usize) -> bool {
        let above = &self.sacked[octet + 1..];
        let bytes = above.iter().filter(|&&sacked| sacked).count();
        let starts =
            (octet + 1..self.sacked.len()).filter(|&i| self.sacked[i] && !self.sacked[i - 1]);
        starts.count() >= 3 || bytes > 2 * MSS as usize
    }

    fn pipe(&self) -> u32 {
        let mut pipe = 0;
        for octet in (0..self.sacked.len()).filter(|&octet| !self.sacked[octet]) {
            pipe += u32::from(!self.is_lost(octet));
            pipe += u32::from(octet < self.high_rxt);
        }
        pipe
    }

    fn next_lost(&self) -> Option<usize> {
        (self.high_rxt..self.sacked.len()).find(|&octet| !self.sacked[octet] && self.is_lost(octet))
    }
}

proptest! {
    #![proptest_config(seeded(256, 2018))]

    /// SetPipe() and NextSeg() rule 1 agree with the octets, whatever is selectively acknowledged
    /// and however segments were sent.
    // proves RFC6675-4SetPipe
    #[test]
    fn the_pipe_is_that_of_rfc_6675(
        una in prop::sample::select(vec![0, 0x7fff_ff80, 0x7fff_ffff, 0x8000_0001, u32::MAX - 77]),
        supers in prop::collection::vec(1u32..8, 1..8),
        rounds in prop::collection::vec((prop::collection::vec((1u32..40, 1u32..6), 0..4), 0usize..4), 1..8),
    ) {
        let una = SeqNumber::new(una);
        let mut board = Scoreboard::new(una);
        for segments in supers {
            board.push(Instant::ZERO, segments * MSS, MSS);
        }
        let total = board.outstanding() as usize;
        let mut literal = Literal { sacked: vec![false; total], high_rxt: 0 };
        for (blocks, resend) in rounds {
            for (left, len) in blocks {
                let (left, right) = (left * MSS, (left + len) * MSS);
                if right as usize <= total {
                    literal.sacked[left as usize..right as usize].fill(true);
                    board.sack(una + left, una + right, MSS, &VIEW);
                }
            }
            if let Some(edge) = lost_edge(&board, MSS) {
                board.mark_lost_below(edge);
            }
            for _ in 0..resend {
                let next = board.first_pending();
                prop_assert_eq!(next.map(|record| (record.seq - una) as usize), literal.next_lost());
                if let Some(next) = next {
                    board.retransmit(Instant::ZERO, next.seq, next.len.min(MSS), MSS, true);
                    literal.high_rxt = (next.seq - una + MSS) as usize;
                }
            }
            board.check();
            let sums = board.sums();
            prop_assert_eq!(board.outstanding() - sums.sacked - sums.lost + sums.in_retransmit, literal.pipe());
        }
    }
}

#[test]
fn an_acknowledgment_may_end_inside_a_record() {
    let mut board = board(u32::MAX - 12, 3);
    let covered = board.acknowledge(SeqNumber::new(u32::MAX - 12) + 15, &VIEW);
    assert_eq!((covered.bytes, covered.sent_at), (15, Some(Instant::ZERO)));
    assert_eq!((board.outstanding(), board.records()), (15, 2));
    board.check();
    board.acknowledge(board.nxt(), &VIEW);
    assert_eq!((board.outstanding(), board.records()), (0, 0));
}

#[test]
fn only_what_is_new_is_covered() {
    let mut board = board(0, 8);
    let at = SeqNumber::new;
    assert_eq!(board.sack(at(20), at(40), MSS, &VIEW).bytes, 20);
    assert_eq!(board.sack(at(20), at(40), MSS, &VIEW).bytes, 0);
    assert_eq!(board.sack(at(50), at(60), MSS, &VIEW).bytes, 10);
    let covered = board.sack(at(10), at(80), MSS, &VIEW);
    assert_eq!(
        (covered.bytes, covered.sent_at),
        (40, Some(Instant::from_millis(1)))
    );
    board.check();
}

#[test]
fn segments_are_covered_whole_or_not_at_all() {
    let mut board = Scoreboard::new(SeqNumber::new(0));
    board.push(Instant::ZERO, 95, MSS);
    let at = SeqNumber::new;
    assert_eq!(board.sack(at(21), at(29), MSS, &VIEW).bytes, 0);
    assert_eq!(board.sack(at(21), at(45), MSS, &VIEW).bytes, 10);
    assert_eq!(board.sack(at(81), at(95), MSS, &VIEW).bytes, 5);
    assert_eq!(board.records(), 4);
    board.check();
}

#[test]
fn many_small_segments_take_few_records() {
    let mut board = Scoreboard::new(SeqNumber::new(0));
    for _ in 0..1_000_000 {
        board.push(Instant::ZERO, 1, 1460);
    }
    assert!(board.records() <= 1_000_000 / 1460 + SPARE_RECORDS + 1);
    board.check();
}

/// A peer that selectively acknowledges byte by byte gains no records, and when small segments
/// cannot be joined because they are acknowledged, sending stops.
#[test]
fn a_hostile_peer_takes_few_records() {
    let mut board = Scoreboard::new(SeqNumber::new(0));
    board.push(Instant::ZERO, 48_000, 48);
    for left in (1..48_000).step_by(2) {
        board.sack(SeqNumber::new(left), SeqNumber::new(left + 1), 48, &VIEW);
    }
    assert_eq!((board.sums().sacked, board.records()), (0, 1));
    let mut board = Scoreboard::new(SeqNumber::new(0));
    let mut sent = 0;
    while !board.is_full(1460) {
        board.push(Instant::ZERO, 1, 1460);
        sent += 1;
        if sent > 1 {
            board.sack(board.nxt().back(1), board.nxt(), 1460, &VIEW);
        }
    }
    assert!(board.is_full(1460) && sent <= 2 * SPARE_RECORDS + 4);
    board.check();
}

#[test]
fn what_fares_alike_stays_one_record() {
    const SEGMENTS: u32 = 44;
    let mut board = Scoreboard::new(SeqNumber::new(0));
    for _ in 0..1000 {
        board.push(Instant::ZERO, SEGMENTS * MSS, MSS);
    }
    // A block in the middle of a super-segment leaves three parts; one that grows with each
    // acknowledgment, or ends inside a segment, no more than one further each time.
    let block = |board: &mut Scoreboard, from: u32, to: u32| {
        let before = board.records();
        let (left, right) = (SeqNumber::new(from), SeqNumber::new(to));
        board.sack(left, right, MSS, &VIEW);
        board.check();
        board.records() - before
    };
    let start = 500 * SEGMENTS * MSS;
    assert_eq!(block(&mut board, start + 10 * MSS, start + 20 * MSS), 2);
    assert_eq!(block(&mut board, start + 10 * MSS, start + 21 * MSS), 1);
    assert_eq!(block(&mut board, start + 10 * MSS, start + 22 * MSS - 1), 0);
    assert_eq!(
        block(&mut board, start + 30 * MSS - 1, start + 31 * MSS + 1),
        2
    );
    // What is lost is sent again a segment at a time.
    board.mark_first_lost(MSS);
    assert_eq!((board.sums().lost, board.records()), (MSS, 1006));
    board.mark_lost_below(SeqNumber::new(start));
    assert_eq!(board.records(), 1006);
    for nth in 0..SEGMENTS {
        board.retransmit(Instant::ZERO, SeqNumber::new(nth * MSS), MSS, MSS, true);
        board.check();
    }
    assert_eq!(board.records(), 1006 + SEGMENTS as usize - 2);
    // A new MSS is the only thing that takes all of them apart.
    board.cut_all(MSS);
    assert_eq!(board.records(), 1000 * SEGMENTS as usize);
    board.check();
}

#[test]
fn a_timeout_loses_retransmissions_too() {
    let mut board = board(0, 4);
    board.mark_first_lost(MSS);
    board.retransmit(Instant::ZERO, SeqNumber::new(0), MSS, MSS, true);
    board.sack(SeqNumber::new(20), SeqNumber::new(30), MSS, &VIEW);
    assert_eq!(board.mark_all_lost(), 20);
    assert_eq!(
        board.sums(),
        Sums {
            sacked: 10,
            lost: 30,
            in_retransmit: 0,
            pending: 30
        }
    );
    board.forget_sacks();
    assert_eq!(board.mark_all_lost(), 10);
    board.check();
}
