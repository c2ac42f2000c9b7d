//! SEND, RECEIVE and STATUS (RFC 9293 §3.10.2, §3.10.3, §3.10.6).

use bytes::Bytes;
use estab_timer::{Duration, Instant};

use crate::buffer::{SendBuffer, Share, Slices};
use crate::congestion::Rate;
use crate::error::{CallError, ConnectionError, SoftError};
use crate::info::Info;
use crate::tcp::connection::{Connection, Ctx, Is};
use crate::tcp::ecn::EcnMode;
use crate::tcp::state::State;

impl Connection {
    /// Bytes in the send buffer, sent or not.
    pub(crate) fn send_queued(&self) -> usize {
        self.send.len()
    }

    /// Bytes in the send buffer that were not sent yet.
    pub(crate) fn send_unsent(&self) -> usize {
        self.unsent() as usize
    }

    /// The shortest round trip that was measured lately.
    pub(crate) fn min_rtt(&self) -> Option<Duration> {
        self.recovery.min_rtt()
    }

    /// SEND without a copy: takes all of `data` if there is any room.
    pub(crate) fn send(&mut self, share: Share, data: Bytes) -> Result<usize, CallError> {
        self.check_send()?;
        let len = data.len();
        if len > 0 && self.send_room(share) == 0 {
            return Err(CallError::WouldBlock);
        }
        self.note_app_limit();
        self.send.push(data);
        Ok(len)
    }

    /// SEND with a copy of as much of `data` as there is room for.
    pub(crate) fn send_slice(&mut self, share: Share, data: &[u8]) -> Result<usize, CallError> {
        self.check_send()?;
        let len = data.len().min(self.send_room(share));
        if len == 0 && !data.is_empty() {
            return Err(CallError::WouldBlock);
        }
        self.note_app_limit();
        self.send.push_slice(data.get(..len).unwrap_or(data));
        Ok(len)
    }

    /// SEND with the URGENT flag: the mark stands just after the last of these bytes (MUST-62).
    // RFC 9293: MUST-30, MUST-31.
    pub(crate) fn send_urgent(&mut self, share: Share, data: &[u8]) -> Result<usize, CallError> {
        let len = self.send_slice(share, data)?;
        self.snd.up = Some(self.snd.buffer_start() + self.send.len() as u32);
        Ok(len)
    }

    fn check_send(&self) -> Result<(), CallError> {
        if let Some(error) = self.error {
            return Err(CallError::Ended(error));
        }
        if self.is.contains(Is::CLOSING) || !self.state.may_send() {
            return Err(CallError::Closing);
        }
        Ok(())
    }

    /// In-order bytes that can be read.
    pub(crate) fn readable(&self) -> usize {
        self.recv.readable()
    }

    /// RECEIVE into `buf`; 0 is the end of the stream.
    pub(crate) fn recv(&mut self, ctx: &Ctx<'_>, buf: &mut [u8]) -> Result<usize, CallError> {
        if buf.is_empty() {
            return Ok(0);
        }
        match self.recv.read(buf) {
            0 => self.nothing_to_read().map(|()| 0),
            n => {
                self.on_consumed(ctx, n);
                Ok(n)
            }
        }
    }

    /// Looks at the next bytes without taking them.
    pub(crate) fn peek(&self, buf: &mut [u8]) -> Result<usize, CallError> {
        match self.recv.peek(buf) {
            0 if !buf.is_empty() => self.nothing_to_read().map(|()| 0),
            n => Ok(n),
        }
    }

    /// RECEIVE without a copy; `None` is the end of the stream. What is taken counts against the
    /// window until [`consumed`](Self::consumed).
    pub(crate) fn take_chunk(
        &mut self,
        copy: impl FnOnce(&[u8]) -> Bytes,
    ) -> Result<Option<Bytes>, CallError> {
        match self.recv.take_chunk_with(copy) {
            Some(chunk) => Ok(Some(chunk)),
            None => self.nothing_to_read().map(|()| None),
        }
    }

    /// The application is done with `n` bytes of what it took.
    pub(crate) fn consumed(&mut self, ctx: &Ctx<'_>, n: usize) {
        self.recv.consumed(n);
        self.on_consumed(ctx, n);
    }

    fn on_consumed(&mut self, ctx: &Ctx<'_>, n: usize) {
        self.tune_recv_buffer(ctx, n as u32);
        self.consider_window_update();
    }

    /// Why there is nothing to read: the end of the stream, an error, or not yet.
    // RFC 9293: MUST-12.
    fn nothing_to_read(&self) -> Result<(), CallError> {
        let fin_taken = self.rcv.fin.is_some_and(|fin| self.rcv.nxt.after(fin));
        match self.error {
            _ if fin_taken && self.error != Some(ConnectionError::Aborted) => Ok(()),
            Some(error) => Err(CallError::Ended(error)),
            None if self.state == State::Closed => Ok(()),
            None => Err(CallError::WouldBlock),
        }
    }

    /// Bytes still to be read before the urgent mark; `None` if it is passed or was never set
    /// (RFC 9293 MUST-33).
    pub(crate) fn urgent_remaining(&self) -> Option<u64> {
        let read = self.recv.next() - u64::from(self.recv.held());
        self.rcv.up.checked_sub(read).filter(|left| *left > 0)
    }

    /// Where the text of segments lies.
    #[inline]
    pub(crate) fn send_buffer(&self) -> &SendBuffer {
        &self.send
    }

    /// The text of a segment [`transmit`](Self::transmit) yielded.
    pub(crate) fn text(&self, offset: usize, len: usize) -> Slices<'_> {
        self.send.slices(offset, len)
    }

    /// The same if it lies together, as most does.
    #[inline]
    pub(crate) fn text_piece(&self, offset: usize, len: usize) -> Option<&[u8]> {
        self.send.piece(offset, len)
    }

    /// The last soft error, once.
    pub(crate) fn take_soft_error(&mut self) -> Option<SoftError> {
        self.soft_error.take()
    }

    /// STATUS.
    pub(crate) fn info(&self) -> Info {
        let figures = &self.figures;
        let time = |at: Instant| (at != Instant::NEVER).then_some(at);
        let rate = self.recovery.delivery_rate();
        Info {
            tuple: self.tuple,
            state: self.state,
            ca_state: self.recovery.state(),
            rtt: self.rtt.srtt(),
            rttvar: self.rtt.rttvar(),
            min_rtt: self.recovery.min_rtt(),
            rto: self.rtt.rto(),
            back_offs: self.rtt.back_offs(),
            cwnd: self.cc.cwnd(),
            ssthresh: self.cc.ssthresh(),
            in_flight: self.recovery.in_flight(),
            pacing_rate: self.pacing_rate().map(Rate::bytes_per_second),
            delivery_rate: rate.map(|(rate, _)| rate),
            delivery_rate_app_limited: rate.is_some_and(|(_, limited)| limited),
            delivered: self.recovery.delivered(),
            unacked: self.snd.nxt - self.snd.una,
            unsent: self.unsent() as usize,
            lost: self.recovery.lost(),
            sacked: self.recovery.sacked(),
            retransmitted: self.recovery.retransmitted(),
            reordering_seen: self.recovery.reordering_seen(),
            reo_wnd_mult: self.recovery.reo_wnd_mult(),
            retransmits: u64::from(self.recovery.total_retransmits()),
            bytes_retransmitted: figures.bytes_retransmitted,
            snd_wnd: self.snd.wnd,
            rcv_wnd: self.rcv.wnd(),
            snd_wscale: self.snd.scale.shift(),
            rcv_wscale: self.rcv.scale.shift(),
            snd_mss: self.snd_mss(),
            advertised_mss: u32::from(self.advertised_mss),
            path_mtu: self.path_mtu,
            timestamps: self.ts.is_some(),
            sack: self.is.contains(Is::SACK),
            ecn: self.ecn.as_ref().map_or(EcnMode::Off, |ecn| ecn.mode()),
            delivered_ce: self.ecn.as_ref().map_or(0, |ecn| ecn.delivered_ce()),
            received_ce: self.ecn.as_ref().map_or(0, |ecn| ecn.received_ce()),
            bytes_acked: figures.bytes_acked,
            bytes_sent: figures.bytes_sent,
            bytes_received: self.recv.next(),
            segments_out: figures.segments_out,
            segments_in: figures.segments_in,
            dsacks: u64::from(figures.dsacks),
            spurious_timeouts: figures.spurious_timeouts,
            reductions_undone: figures.reductions_undone,
            readable: self.recv.readable(),
            recv_capacity: self.recv.capacity(),
            memory: self.memory(),
            opened_at: figures.opened_at,
            last_data_sent_at: time(figures.last_data_sent_at),
            last_data_received_at: time(figures.last_data_received_at),
            last_received_at: figures.last_received_at,
        }
    }
}
