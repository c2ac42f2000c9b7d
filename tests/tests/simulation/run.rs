//! One run: applications on two stacks in the drawn weather, and what must be true of it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use estab_proto::{ConnId, Counts, Event, FourTuple, Instant, ListenConfig, ListenerId};
use estab_tests::app::{App, LARGEST_PIECE, Plan};
use estab_tests::rng::Rng;
use estab_tests::world::{Step, addr, mirrored};
use estab_tests::{A, B, Side, World};

use crate::draw::{KEEPALIVE, Scenario};

/// The port both ends listen on.
const PORT: u16 = 80;

/// The longest a run may take in its own time, give-ups of 924 s included.
const LIMIT: Duration = Duration::from_secs(6 * 3600);

/// What came out of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Names the packets sent and their times.
    pub(crate) digest: u64,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) failed: u64,
}

pub(crate) struct Run {
    seed: u64,
    scenario: Scenario,
    world: World,
    rng: Rng,
    listeners: [ListenerId; 2],
    apps: HashMap<(Side, ConnId), App>,
    /// Whether applications read by copying only: how chunks are cut depends on the memory that a
    /// connection happens to hold.
    pub(crate) copies: bool,
    /// Until when applications have acted by themselves.
    acted: Instant,
    opens: Vec<(Instant, Side)>,
}

impl Run {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with(seed, |_| ())
    }

    /// The run of the seed with a change of its scenario.
    pub(crate) fn with(seed: u64, change: impl FnOnce(&mut Scenario)) -> Self {
        let mut rng = Rng::new(seed);
        let mut scenario = Scenario::draw(&mut rng);
        change(&mut scenario);
        let mut world = World::faulty(
            scenario.configs.clone(),
            scenario.faults.clone(),
            rng.fork(),
            scenario.start,
        );
        let listen = ListenConfig {
            port: Some(PORT),
            backlog: 8,
            ..ListenConfig::default()
        };
        let listeners = [A, B].map(|side| {
            world
                .on(side, |stack, _| stack.listen(listen.clone()))
                .expect("the port is free")
        });
        let scenario_start = scenario.start;
        let mut opens = scenario.opens.clone();
        opens.reverse();
        Self {
            seed,
            scenario,
            world,
            rng,
            listeners,
            apps: HashMap::new(),
            copies: false,
            acted: scenario_start,
            opens,
        }
    }

    /// What the run is made of, for whoever has to look at a failure.
    pub(crate) fn describe(&self) -> String {
        format!("{:#?}\n{}", self.scenario, self.world.trace)
    }

    /// Runs until both stacks are at rest, and checks that everything came to a good end and that
    /// nobody spun.
    pub(crate) fn play(&mut self) -> Outcome {
        let outcome = self.play_restlessly();
        self.check_idleness();
        outcome
    }

    /// As [`play`](Self::play), however often the stacks wake up.
    pub(crate) fn play_restlessly(&mut self) -> Outcome {
        let end = self.scenario.start + LIMIT;
        while !self.is_done() {
            assert!(
                self.world.now < end,
                "not done after {LIMIT:?}: {:#?}",
                self.apps
            );
            self.advance(end);
        }
        self.check_streams();
        self.scenario.outage = None;
        self.follow_outage();
        for side in [A, B] {
            let listener = self.listeners[side as usize];
            self.world
                .on(side, |stack, now| stack.close_listener(now, listener));
        }
        self.world.run_to_rest(LIMIT);
        for side in [A, B] {
            assert_eq!(
                self.world.stack(side).counts(),
                Counts::default(),
                "{side:?} holds on"
            );
        }
        let failed = self
            .apps
            .values()
            .filter(|app| matches!(app.closed, Some(Some(_))))
            .count();
        Outcome {
            digest: self.world.trace.digest(),
            packets: self.world.trace.count(),
            bytes: self.apps.values().map(|app| app.read).sum(),
            failed: failed as u64,
        }
    }

    fn is_done(&self) -> bool {
        self.opens.is_empty() && self.apps.values().all(|app| app.is_released)
    }

    /// Goes on to the next event of the world or of an application.
    fn advance(&mut self, end: Instant) {
        self.follow_outage();
        let now = self.world.now;
        // Those of this very moment too: what the world does now comes first.
        let acted = self.acted;
        let wakes = self.apps.values().filter_map(|app| app.wakes_at(acted));
        let opens = self.opens.last().map(|(at, _)| *at);
        let outage = self
            .scenario
            .outage
            .into_iter()
            .flat_map(|(from, to)| [from, to]);
        let limit = wakes
            .chain(opens)
            .chain(outage.filter(|at| *at > now))
            .min()
            .unwrap_or(end);
        let quiet = self.world.step(limit) == Step::Quiet;
        self.check_memory();
        if quiet && limit == end {
            panic!("nothing happens any more: {:#?}", self.apps);
        }
        self.open_due();
        if quiet {
            self.acted = self.world.now;
            let mut due: Vec<_> = self.apps.keys().copied().collect();
            due.sort();
            for key in due {
                self.act(key);
            }
        }
        self.hear_events();
    }

    fn follow_outage(&mut self) {
        let now = self.world.now;
        let down = self
            .scenario
            .outage
            .is_some_and(|(from, to)| (from..to).contains(&now));
        for (link, faults) in self.world.links.iter_mut().zip(&self.scenario.faults) {
            link.faults.loss = if down { 1.0 } else { faults.loss };
        }
    }

    fn open_due(&mut self) {
        while let Some((_, side)) = self.opens.pop_if(|(at, _)| *at <= self.world.now) {
            let remote = SocketAddr::new(addr(side.other(), self.scenario.ipv6), PORT);
            let id = self
                .world
                .on(side, |stack, now| stack.connect(now, remote, None, None));
            let id = id.expect("an open");
            let tuple = self.world.stack(side).tuple(id).expect("just opened");
            let [own, peer] = self.plans(&tuple);
            self.employ(side, id, own, peer);
        }
    }

    fn plans(&self, client: &FourTuple) -> [Plan; 2] {
        let plans = Plan::pair(
            self.seed,
            client,
            self.scenario.max_len,
            self.scenario.aborts,
        );
        plans.map(|plan| Plan {
            zero_copy: plan.zero_copy && !self.copies,
            ..plan
        })
    }

    fn employ(&mut self, side: Side, id: ConnId, own: Plan, peer: Plan) {
        let app = App::new(id, own, peer, self.rng.fork(), self.world.now);
        assert!(
            self.apps.insert((side, id), app).is_none(),
            "an id was reused"
        );
    }

    /// An application acts only when it is told to or wakes by itself: an event that is missing
    /// makes it wait for ever.
    fn hear_events(&mut self) {
        for side in [A, B] {
            while let Some(event) = self.world.host(side).events.pop_front() {
                match event {
                    Event::Listener(listener) => self.accept_all(side, listener),
                    Event::Connected(id)
                    | Event::Readable(id)
                    | Event::Writable(id)
                    | Event::SoftError(id, _) => self.act((side, id)),
                    Event::Closed(id, error) => {
                        let app = self.apps.get_mut(&(side, id)).expect("known");
                        assert!(!app.is_released, "an event of a released connection");
                        app.closed = Some(error);
                        self.act((side, id));
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    fn accept_all(&mut self, side: Side, listener: ListenerId) {
        while let Some((id, tuple)) = self.world.on(side, |stack, _| stack.accept(listener)) {
            let [peer, own] = self.plans(&mirrored(&tuple));
            self.employ(side, id, own, peer);
            self.act((side, id));
        }
    }

    fn act(&mut self, key: (Side, ConnId)) {
        let Some(mut app) = self.apps.remove(&key) else {
            return;
        };
        self.world.on(key.0, |stack, now| app.act(now, stack));
        if app.is_released {
            // What was told before that is of no interest any more.
            let of = |event: &Event| match *event {
                Event::Connected(id) | Event::Readable(id) | Event::Writable(id) => Some(id),
                Event::Closed(id, _) | Event::SoftError(id, _) => Some(id),
                _ => None,
            };
            self.world
                .host(key.0)
                .events
                .retain(|event| of(event) != Some(key.1));
        }
        self.apps.insert(key, app);
    }

    /// Memory follows the settings, whatever the peer and the weather do.
    fn check_memory(&self) {
        for side in [A, B] {
            let tcp = &self.scenario.configs[side as usize].tcp;
            let counts = self.world.stack(side).counts();
            // A piece the application hands over as it is may go beyond the send buffer; blocks
            // and records come on top.
            let each = tcp.recv_buffer.max + tcp.send_buffer.max + LARGEST_PIECE + (128 << 10);
            let most = counts.connections * each as usize;
            assert!(counts.buffer_bytes <= most, "{counts:?} exceeds {most}");
            assert!(counts.reassembly_bytes <= 256 << 10 && counts.replies <= 4096);
        }
    }

    /// Nobody failed without a reason, and who did not fail got everything.
    fn check_streams(&self) {
        let may_fail = self.scenario.is_hopeless();
        for ((side, _), app) in &self.apps {
            let aborted = app.plan.aborts() || app.peer.aborts();
            if let Some(Some(error)) = app.closed {
                assert!(aborted || may_fail, "{side:?}: {error}");
            } else if !aborted {
                assert_eq!(app.read, app.peer.len);
                assert_eq!(app.written, app.plan.len);
            }
        }
        let accepted = self.apps.len() - self.scenario.opens.len();
        assert!(may_fail || accepted == self.scenario.opens.len() || self.scenario.aborts);
    }

    /// The stacks woke up for something: to send, or, now and then, because a deadline has moved
    /// on in the meantime. The shortest that does so by itself is that of keepalive.
    fn check_idleness(&self) {
        let wakes: u64 = self.world.hosts.iter().map(|host| host.wakes).sum();
        let packets = self.world.trace.count();
        let time = self.world.now - self.scenario.start;
        let moved = self.apps.len() as u64 * time.as_secs() / KEEPALIVE.idle.as_secs();
        let most = 2 * packets + moved + 100;
        assert!(
            wakes <= most,
            "{wakes} wakes for {packets} packets in {time:?}"
        );
    }
}
