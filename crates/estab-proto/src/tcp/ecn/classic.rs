//! One bit per round trip: ECE until CWR (RFC 3168 §6.1), or the exact echo of DCTCP (RFC 8257
//! §3.2).

/// Feedback of RFC 3168, both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Classic {
    /// ECE is set on what we send. With an exact echo this is DCTCP.CE.
    pub(super) echo: bool,
    /// CWR is due on the next new data.
    pub(super) cwr_due: bool,
    /// ECE mirrors the last mark instead of waiting for CWR.
    exact: bool,
}

impl Classic {
    /// `exact`: as DCTCP's receiver.
    pub(super) fn new(exact: bool) -> Self {
        Self {
            exact,
            ..Self::default()
        }
    }

    /// Whether a segment with text, `marked` or not, changes what an exact echo says: what came
    /// before is to be acknowledged with the old one.
    pub(super) fn flips(&self, marked: bool) -> bool {
        self.exact && self.echo != marked
    }

    /// A segment with text arrived, with CWR or not, marked or not; true if it is to be acknowledged
    /// at once.
    pub(super) fn on_text(&mut self, cwr: bool, marked: bool) -> bool {
        if self.exact {
            let flips = self.flips(marked);
            self.echo = marked;
            return flips;
        }
        // CWR first: the mark on the same segment came after the reduction it tells of (RFC 3168
        // erratum 3639).
        if cwr {
            self.echo = false;
        }
        let first = marked && !self.echo;
        self.echo |= marked;
        // The sender's window may be as small as one segment.
        cwr || first
    }
}

#[cfg(test)]
mod tests;
