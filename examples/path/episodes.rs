//! From what happened to a sender, the times at which it was in recovery.

use estab_sim::transfer::{Happening, Outcome};

use crate::draw::Span;

/// One episode of recovery, or of a reduction because of marks.
pub(crate) struct Episode {
    pub(crate) time: Span,
    /// Whether the retransmission timer expired.
    pub(crate) timed_out: bool,
}

/// The episodes of a flow; one that goes on ends at `end`.
pub(crate) fn episodes(flow: &Outcome, end: f64) -> Vec<Episode> {
    let mut episodes = Vec::new();
    let mut open: Option<Episode> = None;
    for moment in &flow.moments {
        let at = moment.at.as_secs_f64();
        match moment.what {
            Happening::RecoveryBegan | Happening::ReductionBegan | Happening::TimedOut => {
                let timed_out = moment.what == Happening::TimedOut;
                let episode = open.get_or_insert(Episode {
                    time: at..end,
                    timed_out,
                });
                episode.timed_out |= timed_out;
            }
            Happening::RecoveryEnded => {
                episodes.extend(open.take().map(|episode| Episode {
                    time: episode.time.start..at,
                    ..episode
                }));
            }
            _ => {}
        }
    }
    episodes.extend(open);
    episodes
}
