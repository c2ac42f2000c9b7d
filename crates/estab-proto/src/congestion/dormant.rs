//! The controllers that are kept small while their connections are quiet.

use alloc::boxed::Box;

use super::cubic::{Cubic, Phase};
use super::dctcp::Dctcp;
use super::new_reno::NewReno;
use super::{Controller, Engine, Paced};
use crate::dormant::{Dormant, Reader, Writer};

impl Controller {
    /// Whether [`dormant`](Dormant::dormant) keeps all there is: of NewReno, CUBIC and DCTCP, whose
    /// state is a few numbers. BBR's is many, and what an algorithm of the user's has nobody knows.
    pub(crate) fn may_rest(&self) -> bool {
        matches!(
            self.algorithm,
            Engine::NewReno(_) | Engine::Cubic(_) | Engine::Dctcp(_)
        )
    }
}

/// What stands before the state of each algorithm.
const CUBIC: u8 = 0;
const NEW_RENO: u8 = 1;
const DCTCP: u8 = 2;

impl Dormant for Controller {
    fn dormant(&self, to: &mut Writer) {
        self.window.dormant(to);
        match &self.algorithm {
            Engine::Cubic(cubic) => {
                CUBIC.dormant(to);
                cubic.dormant(to);
            }
            Engine::NewReno(new_reno) => {
                NEW_RENO.dormant(to);
                new_reno.dormant(to);
            }
            Engine::Dctcp(dctcp) => {
                DCTCP.dormant(to);
                dctcp.dormant(to);
            }
            _ => debug_assert!(false, "kept small, and not asked whether it may be"),
        }
    }

    fn wake(from: &mut Reader<'_>) -> Self {
        Self {
            window: Dormant::wake(from),
            algorithm: match u8::wake(from) {
                CUBIC => Engine::Cubic(Cubic::wake(from)),
                DCTCP => Engine::Dctcp(Box::new(Dctcp::wake(from))),
                _ => Engine::NewReno(NewReno::wake(from)),
            },
        }
    }
}

impl Dormant for Phase {
    fn dormant(&self, to: &mut Writer) {
        match self {
            Self::Slow(hystart) => {
                false.dormant(to);
                hystart.dormant(to);
            }
            Self::Avoidance(stage) => {
                true.dormant(to);
                stage.dormant(to);
            }
        }
    }

    fn wake(from: &mut Reader<'_>) -> Self {
        match bool::wake(from) {
            false => Self::Slow(Dormant::wake(from)),
            true => Self::Avoidance(Dormant::wake(from)),
        }
    }
}

impl Dormant for Paced {
    fn dormant(&self, to: &mut Writer) {
        (*self == Self::Yes).dormant(to);
    }

    fn wake(from: &mut Reader<'_>) -> Self {
        match bool::wake(from) {
            true => Self::Yes,
            false => Self::No,
        }
    }
}
