//! Every bound of the API port, by name.

use std::time::Duration;

/// Connections open at once; further ones wait in the kernel's queue.
pub const CONNECTIONS_MAX: usize = 16_384;
/// Connections that the kernel holds before we accept them.
pub const BACKLOG: u32 = 1024;
/// From the TCP handshake to the first byte, and for the TLS handshake.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(15);
/// A connection without a whole request head this long, and at most twice as long, is
/// closed; likewise one whose client takes nothing of an answer. Above the 60 s that load balancers and SDK pools keep connections
/// for, so that they, who know when they will write, close first.
pub const IDLE_MAX: Duration = Duration::from_secs(75);
/// For a control-plane request's body to arrive.
pub const BODY_READ_MAX: Duration = Duration::from_secs(30);
/// For an operation to answer. Operations never wait for machines, so reaching it is our fault.
pub const OPERATION_MAX: Duration = Duration::from_secs(60);
/// How long a connection on which nothing moves may take to close itself.
pub const CLOSE_GRACE: Duration = Duration::from_secs(1);
/// For requests under way when the region is told to stop.
pub const STOP_MAX: Duration = Duration::from_secs(20);

/// How long clients are waited for. A region waits as above, tests wait less.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// [`HANDSHAKE_MAX`]
    pub handshake: Duration,
    /// [`IDLE_MAX`]
    pub idle: Duration,
    /// [`BODY_READ_MAX`]
    pub body: Duration,
    /// [`CLOSE_GRACE`]
    pub close: Duration,
    /// [`STOP_MAX`]
    pub stop: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            handshake: HANDSHAKE_MAX,
            idle: IDLE_MAX,
            body: BODY_READ_MAX,
            close: CLOSE_GRACE,
            stop: STOP_MAX,
        }
    }
}

/// Request line and headers together over HTTP/1.1 (presigned URLs carry tokens of several
/// KiB) and the header list over HTTP/2.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
pub const HEADERS_MAX: usize = 100;
pub const H2_STREAMS_MAX: u32 = 128;

/// A query, EC2 or XML request. The largest documented ones stay far below: CloudFormation's
/// templates 51,200 bytes, Route 53's change batches 32,000 characters of values.
pub const FORM_BODY_MAX: usize = 1024 * 1024;
/// A JSON request. PutLogEvents allows 1 MiB of events; escaping may make six times of it.
pub const JSON_BODY_MAX: usize = 7 * 1024 * 1024;

/// Between two pieces of an object on its way in.
pub const OBJECT_IDLE_MAX: Duration = Duration::from_secs(30);
/// For an operation of S3 that streams nothing; copies of large objects take their time.
pub const S3_OPERATION_MAX: Duration = Duration::from_secs(900);

/// How much of a body that is refused for its size is read nonetheless, and for how long, so
/// that its sender gets to the refusal.
pub const DISCARDED_MAX: usize = 64 * 1024 * 1024;
pub const DISCARD_MAX: Duration = Duration::from_secs(5);

/// Names of refused operations that are counted; later ones are counted together.
pub const REFUSED_NAMES_MAX: usize = 1024;
/// Access keys whose derived signing keys are kept, and scopes of each.
pub const SIGNING_KEYS_MAX: usize = 1024;
pub const SCOPES_PER_KEY_MAX: usize = 16;

/// Commands connected to the admin socket at once, and the bytes of one's question.
pub const ADMIN_CONNECTIONS_MAX: usize = 32;
pub const ADMIN_LINE_MAX: u64 = 64 * 1024;
pub const ADMIN_READ_MAX: Duration = Duration::from_secs(10);

/// How much of what is known of keys' last use a crash may lose.
pub const USES_WRITTEN_EVERY: Duration = Duration::from_secs(60);

/// How long a log line waits for others, so how much of the log a killed process loses.
pub const LOG_DELAY_MAX: Duration = Duration::from_millis(50);
/// Lines are written at once when they are this many bytes, and nothing is logged (and so
/// nothing done) while this many wait for a reader of stderr.
pub const LOG_BATCH_BYTES: usize = 64 * 1024;
pub const LOG_BYTES_MAX: usize = 1024 * 1024;
