//! Every state against every kind of segment: flags, place of the sequence number, place of the
//! acknowledgement, with text and without, with room for it and without. What must follow is said
//! by an [`oracle`] written from RFC 9293 §3.10.7; where the stack means to differ is said, with
//! the reason, in [`leniency`].

mod bench;
mod leniency;
mod oracle;

use std::collections::BTreeSet;

use bench::{Bench, NEW_WINDOW, Room, Row};
use estab_proto::State;
use estab_proto::wire::Flags;
use leniency::Leniency;
use oracle::{Arrival, Model, Ts};

/// The ways to be in `state`.
fn rows(state: State) -> Vec<Row> {
    let row = Row {
        state,
        passive: state != State::SynSent,
        room: Room::Plenty,
        timestamps: false,
        require_timestamps: false,
    };
    let mut rows = vec![row];
    if state == State::SynReceived {
        rows.push(Row {
            passive: false,
            ..row
        });
    }
    if state.is_synchronized() && state != State::TimeWait {
        rows.extend([Room::Little, Room::None].map(|room| Row { room, ..row }));
    }
    if state.is_synchronized() || state == State::SynReceived {
        let roomy = rows.iter().filter(|row| row.room == Room::Plenty).copied();
        let roomy: Vec<_> = roomy.collect();
        for require_timestamps in [false, true] {
            rows.extend(roomy.iter().map(|row| Row {
                timestamps: true,
                require_timestamps,
                ..*row
            }));
        }
    }
    rows
}

/// The segments to be tried on a connection.
fn arrivals(m: &Model) -> Vec<Arrival> {
    let flags = [
        Flags::empty(),
        Flags::ACK,
        Flags::SYN,
        Flags::SYN | Flags::ACK,
        Flags::FIN,
        Flags::FIN | Flags::ACK,
        Flags::RST,
        Flags::RST | Flags::ACK,
        Flags::URG | Flags::ACK,
        Flags::SYN | Flags::FIN,
        Flags::SYN | Flags::RST,
    ];
    // Old, straddling, one stale number, in place, beyond a gap, the last number, the edge, beyond.
    let seqs: BTreeSet<i64> = [-100, -5, -1, 0, 3, m.wnd - 1, m.wnd, m.wnd + 1].into();
    let oldest = m.oldest_ack();
    let acks: BTreeSet<i64> = [
        m.una - m.max_snd_wnd,
        oldest - 1,
        oldest,
        m.una - 1,
        m.una,
        m.una / 2,
        0,
        1,
    ]
    .into();
    let timestamps: &[Ts] = match m.timestamps {
        true => &[Ts::Missing, Ts::Older, Ts::Same, Ts::Newer],
        false if m.state == State::TimeWait => &[Ts::Missing, Ts::Newer],
        false => &[Ts::Missing],
    };
    let texts: &[i64] = match m.timestamps {
        true => &[0, 10],
        false => &[0, 1, 10, 30],
    };
    let mut arrivals = Vec::new();
    for ctl in flags {
        for &seq in &seqs {
            for &text in texts {
                for &ack in &acks {
                    if !ctl.contains(Flags::ACK) && ack != 0 {
                        continue;
                    }
                    arrivals.extend(timestamps.iter().map(|&ts| Arrival {
                        ctl,
                        seq,
                        ack,
                        text,
                        wnd: i64::from(NEW_WINDOW),
                        up: if ctl.contains(Flags::URG) { 7 } else { 0 },
                        ts,
                    }));
                }
            }
        }
    }
    arrivals
}

/// Plays all cases of a state.
fn play(state: State) {
    let mut used = BTreeSet::new();
    let mut cases = 0;
    let mut faults = Vec::new();
    for row in rows(state) {
        let model = Bench::new(row).model;
        for arrival in arrivals(&model) {
            cases += 1;
            let expected = oracle::expect(model, arrival, &mut used);
            let (found, trace) = Bench::new(row).meet(arrival);
            if found != expected {
                faults.push(format!(
                    "{row:?}\n{model:?}\n{arrival:?}\nexpected {expected:?}\nfound    {found:?}\n{trace}"
                ));
            }
        }
    }
    for fault in faults.iter().take(10) {
        eprintln!("{fault}\n");
    }
    assert!(
        faults.is_empty(),
        "{} of {cases} cases of {state} are wrong",
        faults.len()
    );
}

/// The grid is as large as it claims to be, and no leniency is listed that nothing meets.
#[test]
fn every_leniency_is_met_and_has_its_reason() {
    let mut used = BTreeSet::new();
    let mut cases = 0;
    for row in State::ALL.into_iter().flat_map(rows) {
        let model = Bench::new(row).model;
        for arrival in arrivals(&model) {
            oracle::expect(model, arrival, &mut used);
            cases += 1;
        }
    }
    assert!(cases >= 1000, "{cases} cases");
    assert_eq!(used, Leniency::ALL.into());
    assert!(used.iter().all(|leniency| !leniency.reason().is_empty()));
}

macro_rules! states {
    ($($name:ident: $state:ident,)*) => {
        $(#[test]
        fn $name() {
            play(State::$state);
        })*
    };
}

states! {
    closed: Closed,
    listen: Listen,
    syn_sent: SynSent,
    syn_received: SynReceived,
    established: Established,
    fin_wait_1: FinWait1,
    fin_wait_2: FinWait2,
    close_wait: CloseWait,
    closing: Closing,
    last_ack: LastAck,
    time_wait: TimeWait,
}
