//! What scripts set before and while they run: options at their head, shell commands, sysctls.

mod sysctl;

pub(crate) use sysctl::{syn_time, unsent_limit};

use estab_proto::Duration;
use estab_proto::config::{BufferConfig, Limits, TcpConfig};
use estab_proto::congestion::Pacing;
use estab_timer::KeepaliveConfig;

/// Everything that a command can change.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// What connections opened from now on have.
    pub(crate) tcp: TcpConfig,
    /// What `SO_KEEPALIVE` turns on.
    pub(crate) keepalive: KeepaliveConfig,
    /// Caps of the stack; fixed once it runs.
    pub(crate) limits: Limits,
    /// Whether the stack runs: what it has once cannot change any more.
    pub(crate) is_running: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tcp: of_linux(TcpConfig::modern()),
            keepalive: KeepaliveConfig::default(),
            limits: Limits::default(),
            is_running: false,
        }
    }
}

/// As much buffer as Linux has (`tcp_rmem`, `tcp_wmem`), which shows in the window scale, and no pacing.
fn of_linux(mut tcp: TcpConfig) -> TcpConfig {
    tcp.recv_buffer.max = 32 << 20;
    tcp.send_buffer.max = 16 << 20;
    unpaced(tcp)
}

/// Like Linux without the queueing discipline that paces: what an acknowledgement releases leaves at
/// once, and slow start takes it into account whole.
pub(crate) fn unpaced(mut tcp: TcpConfig) -> TcpConfig {
    tcp.pacing = Pacing::Off;
    tcp.hystart = false;
    tcp
}

/// What a shell command asks the runner to do beyond changing settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// Let this time pass.
    Sleep(Duration),
}

impl Settings {
    /// Runs the text between two backticks.
    ///
    /// # Errors
    ///
    /// The command or setting that is not known, or the feature that the stack lacks.
    pub(crate) fn command(&mut self, text: &str) -> Result<Effect, String> {
        let mut effect = Effect::None;
        let joined = text.replace("\\\n", " ").replace("&&", "\n");
        for line in joined.split(['\n', ';']) {
            let words = words(line)?;
            if let Some((name, args)) = words.split_first() {
                let result = self.run(name, args)?;
                if result != Effect::None {
                    effect = result;
                }
            }
        }
        Ok(effect)
    }

    /// Runs one command. A program that reads or changes what the stack does not have is unknown.
    fn run(&mut self, name: &str, args: &[String]) -> Result<Effect, String> {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let program = name.rsplit('/').next().unwrap_or(name);
        match (program, args.as_slice()) {
            ("sysctl", args) => {
                let pairs = args.iter().filter(|arg| !arg.starts_with('-'));
                pairs.into_iter().try_for_each(|pair| self.assign(pair))?;
            }
            ("set_sysctls.py", args) => args.iter().try_for_each(|pair| {
                let pair = pair.trim_start_matches("/proc/sys/").replacen('/', ".", 2);
                self.assign(&pair)
            })?,
            ("defaults.sh", []) => self.kernel_defaults(),
            ("sleep", [seconds]) => {
                let seconds = seconds
                    .parse()
                    .map_err(|_| format!("'{seconds}' is no time to sleep"))?;
                return Duration::try_from_secs_f64(seconds)
                    .map(Effect::Sleep)
                    .map_err(|error| error.to_string());
            }
            // No queueing discipline, no offload and no metrics cache: as if just emptied.
            ("tc", ["qdisc", "add" | "replace", "dev", _, "root", "pfifo"])
            | ("ip", ["tcp_metrics", "flush", ..])
            | ("ethtool", ["-K", ..])
            | ("true" | ":", _) => {}
            (program, []) if program.starts_with("sysctl_restore_") => {}
            _ => return Err(format!("unknown command '{}'", name)),
        }
        Ok(Effect::None)
    }

    fn assign(&mut self, pair: &str) -> Result<(), String> {
        match pair.split_once('=') {
            Some((name, value)) => sysctl::apply(self, name.trim(), value.trim()),
            None => Err(format!("'{pair}' is no assignment of a sysctl")),
        }
    }

    /// The values that the script suite of the Linux kernel starts from. What the stack cannot
    /// change keeps its own value; a script that depends on it fails by its packets.
    fn kernel_defaults(&mut self) {
        self.tcp.recv_buffer = BufferConfig {
            initial: 540_000,
            max: 15 << 20,
        };
        self.tcp.send_buffer = BufferConfig {
            initial: 256 << 10,
            max: 4 << 20,
        };
        self.tcp.congestion = Default::default();
        self.tcp.timestamps = true;
        self.tcp.sack = true;
        self.tcp.window_scaling = true;
    }
}

/// The words of a shell command: quotes group, arithmetic is done, what goes to files is left out.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut rest = line.trim().chars().peekable();
    if rest.peek() == Some(&'#') {
        return Ok(words);
    }
    while let Some(c) = rest.next() {
        match (c, quote) {
            ('$', _) if matches!(rest.peek(), Some('(' | '[')) => {
                let all: String = rest
                    .by_ref()
                    .take_while(|c| *c != ')' && *c != ']')
                    .collect();
                if rest.peek() == Some(&')') {
                    rest.next();
                }
                word += &product(all.trim_start_matches(['(', '[']))?.to_string();
            }
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (c, None) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (c, _) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    if let Some(pipe) = words.iter().position(|word| word.starts_with('|')) {
        return Err(format!(
            "unknown command '{}'",
            words[pipe..].join(" ").trim_start_matches("| ")
        ));
    }
    if let Some(at) = words.iter().position(|word| word.contains('>')) {
        words.truncate(at);
    }
    Ok(words)
}

/// The product of numbers, which is all the arithmetic that scripts do.
fn product(text: &str) -> Result<i64, String> {
    text.split('*').try_fold(1_i64, |product, factor| {
        let factor: i64 = factor
            .trim()
            .parse()
            .map_err(|_| format!("'{text}' is no product"))?;
        product
            .checked_mul(factor)
            .ok_or_else(|| format!("'{text}' is too much"))
    })
}

#[cfg(test)]
mod tests;
