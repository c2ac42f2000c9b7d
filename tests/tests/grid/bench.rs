//! Brings a stack into each state by packets and calls, gives it one segment, and reports what
//! followed in the oracle's terms.

use std::time::Duration;

use estab_proto::config::{BufferConfig, IsnPolicy, StackConfig};
use estab_proto::wire::{Flags, TcpOptions, Timestamps};
use estab_proto::{ConnId, Event, ListenConfig, SeqNumber, State};
use estab_tests::world::{B, PORT, config};
use estab_tests::{Peer, Seg};

use crate::oracle::{Arrival, Model, Outcome, Reply, Seq, Ts};

/// Both ends' numbers wrap early in a connection.
const OUR_ISS: SeqNumber = SeqNumber::new(u32::MAX - 40);
const PEER_ISS: SeqNumber = SeqNumber::new(u32::MAX - 4);

/// TS.Recent of every connection with timestamps.
const TS_RECENT: u32 = 1000;

/// Bytes in flight towards the peer, where there may be any.
const OUTSTANDING: usize = 100;
/// Bytes acknowledged before.
const ACKED: usize = 40;

/// The window field of the segment under test; 65,535 was offered before.
pub(crate) const NEW_WINDOW: u16 = 40_000;

/// How much room the receive buffer has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// All of the default.
    Plenty,
    /// Eight bytes.
    Little,
    /// None: the window is zero.
    None,
}

/// One way to be in a state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) state: State,
    pub(crate) passive: bool,
    pub(crate) room: Room,
    pub(crate) timestamps: bool,
    pub(crate) require_timestamps: bool,
}

/// A stack in the state asked for.
pub(crate) struct Bench {
    peer: Peer,
    id: Option<ConnId>,
    row: Row,
    pub(crate) model: Model,
    snd_nxt: SeqNumber,
    rcv_nxt: SeqNumber,
    edge: SeqNumber,
    wl: (SeqNumber, SeqNumber),
}

fn settings(row: &Row) -> StackConfig {
    let mut config = config(B);
    config.isn = IsnPolicy::Fixed(OUR_ISS.to_u32());
    // Nothing is sent again while a case is looked at.
    config.tcp.rto.min = Duration::from_secs(1);
    config.tcp.rto.floor = estab_timer::RtoFloor::Clamp;
    config.tcp.require_timestamps = row.require_timestamps;
    if row.room != Room::Plenty {
        config.tcp.recv_buffer = BufferConfig {
            initial: 1000,
            max: 1000,
        };
    }
    config
}

impl Bench {
    /// A stack in the row's state.
    pub(crate) fn new(row: Row) -> Self {
        let mut peer = Peer::with(settings(&row));
        peer.nxt = PEER_ISS;
        let model = Model {
            state: row.state,
            passive: row.passive,
            una: 0,
            fin_sent: false,
            snd_wnd: i64::from(u16::MAX),
            max_snd_wnd: i64::from(u16::MAX),
            first: 0,
            wl1: 0,
            wl2: 0,
            wnd: 0,
            timestamps: row.timestamps,
            require_timestamps: row.require_timestamps,
        };
        let mut bench = Self {
            peer,
            id: None,
            row,
            model,
            snd_nxt: OUR_ISS,
            rcv_nxt: PEER_ISS,
            edge: PEER_ISS,
            wl: (PEER_ISS, OUR_ISS),
        };
        bench.enter();
        bench.take_replies();
        bench.read_model();
        bench
    }

    fn enter(&mut self) {
        match self.row.state {
            State::Closed => {}
            State::SynSent => self.connect(),
            State::SynReceived if !self.row.passive => {
                self.connect();
                let syn = self.syn();
                self.send(&syn);
            }
            state => {
                self.peer.listen(ListenConfig {
                    port: Some(PORT),
                    ..ListenConfig::default()
                });
                match state {
                    State::Listen => {}
                    State::SynReceived => {
                        let syn = self.syn();
                        self.send(&syn);
                    }
                    _ => self.enter_synchronized(state),
                }
            }
        }
    }

    fn connect(&mut self) {
        self.id = Some(self.peer.connect_host());
        self.take_replies();
    }

    fn options(&self) -> TcpOptions {
        TcpOptions {
            mss: Some(1460),
            timestamps: self.row.timestamps.then_some(Timestamps {
                val: TS_RECENT,
                ecr: 0,
            }),
            ..TcpOptions::default()
        }
    }

    fn syn(&mut self) -> Seg {
        self.peer.timestamps = self.options().timestamps;
        Seg {
            opts: self.options(),
            ..self.peer.syn()
        }
    }

    fn enter_synchronized(&mut self, state: State) {
        use State::*;
        let syn = self.syn();
        self.send(&syn);
        self.take_replies();
        self.peer.rcv = self.snd_nxt;
        self.send(&self.peer.seg());
        self.id = self.peer.accept();
        let id = self.id.expect("accepted");
        self.peer.write(id, &[0x62; ACKED]);
        self.take_replies();
        self.peer.rcv = self.snd_nxt;
        self.send(&self.peer.seg());
        let fill = match self.row.room {
            Room::Plenty => 0,
            Room::Little => 992,
            Room::None => 1000,
        };
        if fill > 0 {
            let seg = self.peer.seg().text(vec![0x61; fill]);
            self.send(&seg);
        }
        if matches!(state, CloseWait | LastAck) {
            self.send_fin();
        }
        self.peer.write(id, &[0x62; OUTSTANDING]);
        if matches!(state, FinWait1 | FinWait2 | Closing | LastAck | TimeWait) {
            let done = self.peer.on(|stack, now| stack.shutdown(now, id));
            done.expect("open");
        }
        self.take_replies();
        if matches!(state, FinWait2 | TimeWait) {
            self.peer.rcv = self.snd_nxt;
            self.send(&self.peer.seg());
        }
        if matches!(state, Closing | TimeWait) {
            self.send_fin();
        }
        if state == TimeWait {
            // So that a restart of 2MSL can be told.
            self.peer.wait(Duration::from_secs(10));
        }
    }

    fn send_fin(&mut self) {
        let fin = self.peer.seg().ctl(Flags::FIN);
        self.send(&fin);
    }

    fn send(&mut self, seg: &Seg) {
        self.peer.nxt = seg.end();
        self.rcv_nxt = seg.end();
        self.wl = (seg.seq, seg.ack);
        self.peer.send(seg);
        self.take_replies();
    }

    /// Follows what the stack has sent so far.
    fn take_replies(&mut self) {
        for reply in self.peer.replies() {
            if reply.end().after(self.snd_nxt) {
                self.snd_nxt = reply.end();
            }
            if reply.has(Flags::ACK) {
                let edge = reply.ack + u32::from(reply.wnd);
                if edge.after(self.edge) {
                    self.edge = edge;
                }
            }
            self.model.fin_sent |= reply.has(Flags::FIN);
            if let (Some(ours), Some(theirs)) = (&mut self.peer.timestamps, reply.opts.timestamps) {
                ours.ecr = theirs.val;
            }
        }
    }

    fn read_model(&mut self) {
        let state = self.row.state;
        assert_eq!(self.state(), state, "\n{}", self.peer.trace);
        let una = match state {
            State::SynSent | State::SynReceived => OUR_ISS,
            State::Closed | State::Listen => self.snd_nxt,
            _ => self.peer.rcv,
        };
        self.model.una = distance(self.snd_nxt, una);
        self.model.first = distance(self.snd_nxt, OUR_ISS + 1);
        self.model.wnd = distance(self.rcv_nxt, self.edge);
        self.model.wl1 = distance(self.rcv_nxt, self.wl.0);
        self.model.wl2 = distance(self.snd_nxt, self.wl.1);
    }

    fn state(&self) -> State {
        match self.peer.status() {
            // The listener is what shows where there is no connection any more.
            State::Listen if self.row.state != State::Listen && !self.may_return_to_listen() => {
                State::Closed
            }
            state => state,
        }
    }

    fn may_return_to_listen(&self) -> bool {
        self.row.state == State::SynReceived && self.row.passive
    }

    /// Gives the stack the segment and tells what followed within half a second.
    pub(crate) fn meet(mut self, s: Arrival) -> (Outcome, String) {
        let before = self.readable();
        let due = self.peer.now + Duration::from_secs(50);
        self.peer.host.events.clear();
        let seg = self.segment(&s);
        self.peer.send(&seg);
        self.peer.wait(Duration::from_millis(450));
        let replies: Vec<_> = self.peer.replies();
        let state = self.state();
        if self.may_return_to_listen() {
            self.id = self.peer.accept();
        }
        let told = |event: &Event| matches!(event, Event::Urgent(_));
        let outcome = Outcome {
            state,
            replies: replies.iter().map(|seg| self.reply(seg)).collect(),
            delivered: self.readable() - before,
            urgent: self.peer.host.events.iter().any(told),
            error: self.id.and_then(|id| self.peer.host.stack.error(id)),
            send: self.send_sequence(state),
            restarted: state == State::TimeWait && self.row.state == State::TimeWait && {
                self.peer.wait_until(due + Duration::from_millis(1));
                self.peer.status() == State::TimeWait
            },
        };
        (outcome, format!("{seg}\n{}", self.peer.trace))
    }

    fn segment(&self, s: &Arrival) -> Seg {
        let base = self.peer.seg();
        let val = match s.ts {
            Ts::Missing => None,
            Ts::Older => Some(TS_RECENT - 1),
            Ts::Same => Some(TS_RECENT),
            Ts::Newer => Some(TS_RECENT + 1),
        };
        let ecr = self.peer.timestamps.map_or(0, |ts| ts.ecr);
        Seg {
            seq: at(self.rcv_nxt, s.seq),
            ack: at(self.snd_nxt, s.ack),
            ctl: s.ctl,
            wnd: s.wnd as u16,
            up: s.up as u16,
            text: vec![0x63; s.text as usize],
            opts: TcpOptions {
                timestamps: val.map(|val| Timestamps { val, ecr }),
                ..TcpOptions::default()
            },
            ..base
        }
    }

    fn reply(&self, seg: &Seg) -> Reply {
        let at = distance(self.snd_nxt, seg.seq);
        let reopened = self.row.state == State::TimeWait && seg.has(Flags::SYN);
        let seq = match seg.seq.to_u32() {
            0 if seg.has(Flags::RST | Flags::ACK) => Seq::Zero,
            _ if reopened && at > 0 => Seq::Beyond,
            _ => Seq::At(at),
        };
        let ack = seg.has(Flags::ACK).then(|| distance(self.rcv_nxt, seg.ack));
        Reply {
            ctl: seg.ctl - Flags::PSH,
            seq,
            ack,
        }
    }

    fn readable(&self) -> i64 {
        self.id.map_or(0, |id| self.peer.host.stack.readable(id)) as i64
    }

    fn send_sequence(&self, state: State) -> Option<(i64, i64)> {
        if !state.is_synchronized() || state == State::TimeWait {
            return None;
        }
        let info = self.peer.host.stack.info(self.id?)?;
        Some((i64::from(info.unacked), i64::from(info.snd_wnd)))
    }
}

fn distance(from: SeqNumber, to: SeqNumber) -> i64 {
    i64::from(to.to_u32().wrapping_sub(from.to_u32()) as i32)
}

fn at(from: SeqNumber, distance: i64) -> SeqNumber {
    SeqNumber::new(from.to_u32().wrapping_add(distance as u32))
}
