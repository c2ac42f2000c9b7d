use alloc::format;
use alloc::string::String;

use super::*;

const TRANSITIONS: [Transition; 10] = [
    Transition::OpenPassive,
    Transition::OpenActive,
    Transition::Syn,
    Transition::SynAck,
    Transition::SynAcked,
    Transition::Close,
    Transition::Fin,
    Transition::FinAcked,
    Transition::Abort,
    Transition::TimeWaitOver,
];

/// The whole matrix, so that a change of the machine shows up as a change of this file.
#[test]
fn the_matrix_is_the_reviewed_one() {
    let mut matrix = String::new();
    for state in State::ALL {
        for transition in TRANSITIONS {
            if let Some(next) = state.on(transition) {
                matrix += &format!("{state} --{transition:?}--> {next}\n");
            }
        }
    }
    assert_eq!(matrix, include_str!("matrix.snap"), "\n{matrix}");
}

#[test]
fn closed_is_reachable_from_everywhere() {
    for state in State::ALL {
        assert!(state == State::Closed || state.on(Transition::Abort) == Some(State::Closed));
    }
}
