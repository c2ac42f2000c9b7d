//! The controllers that are kept small while their connections are quiet.

use super::cubic::{Cubic, Phase};
use super::new_reno::NewReno;
use super::{Controller, Engine, Paced};
use crate::dormant::{Dormant, Reader, Writer};

impl Controller {
    /// Whether [`dormant`](Dormant::dormant) keeps all there is: of NewReno and CUBIC, whose state is
    /// a few numbers.
    pub(crate) fn may_rest(&self) -> bool {
        matches!(self.algorithm, Engine::NewReno(_) | Engine::Cubic(_))
    }
}

impl Dormant for Controller {
    fn dormant(&self, to: &mut Writer) {
        self.window.dormant(to);
        let cubic = match &self.algorithm {
            Engine::Cubic(cubic) => Some(cubic),
            _ => None,
        };
        cubic.is_some().dormant(to);
        match (cubic, &self.algorithm) {
            (Some(cubic), _) => cubic.dormant(to),
            (_, Engine::NewReno(new_reno)) => new_reno.dormant(to),
            _ => debug_assert!(false, "kept small, and not asked whether it may be"),
        }
    }

    fn wake(from: &mut Reader<'_>) -> Self {
        Self {
            window: Dormant::wake(from),
            algorithm: match bool::wake(from) {
                true => Engine::Cubic(Cubic::wake(from)),
                false => Engine::NewReno(NewReno::wake(from)),
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
