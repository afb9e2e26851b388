//! How a bucket is reached: the `AWS_*` variables of the environment, and what `[artifacts]` says.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use object_store::{
    BackoffConfig, ClientConfigKey, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, Checksum},
    path::Path,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::runtime::Handle;

use super::{Bucket, signed::SignedRequests};
use crate::artifacts::error::ArtifactError;

/// Bytes of a part unless the site says otherwise: with two parts on their way and one being
/// filled, an upload holds 24 MiB. S3 takes 10,000 parts: 78 GiB.
const PART_BYTES: usize = 8 << 20;
/// Bytes of a part at least: what S3 admits.
const PART_BYTES_MIN: usize = 5 << 20;
/// Longest time of a request that is not for sending a file.
const REQUEST_SECONDS_MAX: u64 = 60;
/// Scheme of the store's address, without which its answers could be anybody's.
const PLAIN_HTTP: &str = "http://";

/// How a bucket is reached. What is not said here comes from the `AWS_*` variables.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BucketOptions {
    /// URL of the store; without one it is Amazon's.
    pub endpoint: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Access key.
    pub access_key_id: Option<String>,
    /// The secret that belongs to it.
    pub secret_access_key: Option<SecretString>,
    /// Whether an endpoint without TLS will do.
    pub allow_http: bool,
    /// Whether SHA-256 checksums are sent along, which a few stores refuse.
    pub checksums: bool,
    /// Bytes of a part of an upload.
    pub part_bytes: usize,
    /// Longest time of a request that is not for sending a file, in seconds.
    pub request_seconds_max: u64,
    /// How requests that failed are tried again.
    #[serde(skip)]
    pub retry: Retry,
}

impl Default for BucketOptions {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: None,
            access_key_id: None,
            secret_access_key: None,
            allow_http: false,
            checksums: true,
            part_bytes: PART_BYTES,
            request_seconds_max: REQUEST_SECONDS_MAX,
            retry: Retry::default(),
        }
    }
}

/// How requests that failed are tried again.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// Times at most.
    pub retries_max: usize,
    /// Shortest pause.
    pub pause_min: Duration,
    /// Longest pause.
    pub pause_max: Duration,
    /// Time after which nothing is tried again.
    pub time_max: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            retries_max: 8,
            pause_min: Duration::from_millis(100),
            pause_max: Duration::from_secs(5),
            time_max: Duration::from_secs(60),
        }
    }
}

impl Retry {
    /// For somebody who waits for the answer.
    pub const BRIEF: Self = Self {
        retries_max: 2,
        pause_min: Duration::from_millis(100),
        pause_max: Duration::from_secs(1),
        time_max: Duration::from_secs(5),
    };

    /// Pauses between tries, until the times or the time are used up: each twice as long as the one
    /// before, up to the longest, and of each at least half, so that many who failed at once do not
    /// come back at once.
    pub(super) fn pauses(self) -> impl Iterator<Item = Duration> + Send {
        let start = Instant::now();
        let doubled = std::iter::successors(Some(self.pause_min), |pause| Some(*pause * 2));
        let bounded = doubled.map(move |pause| pause.min(self.pause_max));
        let jittered = bounded.map(|pause| pause.mul_f64(rand::random_range(0.5..=1.0)));
        jittered.take(self.retries_max).take_while(move |_| start.elapsed() < self.time_max)
    }

    fn config(self, time_max: Duration) -> RetryConfig {
        RetryConfig {
            backoff: BackoffConfig {
                init_backoff: self.pause_min,
                max_backoff: self.pause_max,
                base: 2.0,
            },
            max_retries: self.retries_max,
            retry_timeout: time_max,
        }
    }
}

impl Bucket {
    /// Connects to `BUCKET[/PREFIX]`; nothing is sent yet.
    pub(in crate::artifacts) fn open(
        place: &str,
        options: &BucketOptions,
    ) -> Result<Self, ArtifactError> {
        let unfit = |detail: String| ArtifactError::Unfit { detail };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() {
            return Err(ArtifactError::UnknownKind);
        }
        let prefix = Path::parse(prefix).map_err(|error| unfit(error.to_string()))?;
        if options.part_bytes < PART_BYTES_MIN {
            let detail = format!("`part_bytes` must be {PART_BYTES_MIN} at least");
            return Err(unfit(detail));
        }
        let runtime =
            Handle::try_current().map_err(|_| unfit("no runtime is there for it".to_owned()))?;
        let builder = options.builder(bucket)?;
        let build = |builder: AmazonS3Builder| -> Result<AmazonS3, ArtifactError> {
            builder.build().map_err(|error| unfit(error.to_string()))
        };
        let store = build(timed(builder.clone(), options.request_seconds_max))?;
        // What is sent to a slow receiver takes its time; silence is watched for separately.
        const DAY_SECONDS: u64 = 24 * 60 * 60;
        let patient = options.retry.config(Duration::from_secs(DAY_SECONDS));
        let reads = build(timed(builder.clone(), DAY_SECONDS).with_retry(patient))?;
        let requests = SignedRequests::new(store.clone(), &builder, options)?;
        Ok(Self {
            store,
            reads,
            requests,
            prefix,
            part_bytes: options.part_bytes,
            retry: options.retry,
            runtime,
            cleanups: Mutex::default(),
        })
    }
}

impl BucketOptions {
    fn builder(&self, bucket: &str) -> Result<AmazonS3Builder, ArtifactError> {
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(id) = &self.access_key_id {
            builder = builder.with_access_key_id(id);
        }
        if let Some(secret) = &self.secret_access_key {
            builder = builder.with_secret_access_key(secret.expose_secret());
        }
        let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
        let allow_http = AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp);
        let is_allowed = builder.get_config_value(&allow_http).is_some_and(|said| said == "true");
        if self.allow_http {
            builder = builder.with_allow_http(true);
        } else if !is_allowed && endpoint.is_some_and(|endpoint| endpoint.starts_with(PLAIN_HTTP)) {
            let detail = "its endpoint has no TLS; say `allow_http = true` if that is meant";
            return Err(ArtifactError::Unfit { detail: detail.to_owned() });
        }
        if self.checksums {
            builder = builder.with_checksum_algorithm(Checksum::SHA256);
        }
        Ok(builder.with_retry(self.retry.config(self.retry.time_max)))
    }
}

/// With a limit to the time of a request.
fn timed(builder: AmazonS3Builder, seconds: u64) -> AmazonS3Builder {
    let key = AmazonS3ConfigKey::Client(ClientConfigKey::Timeout);
    builder.with_config(key, format!("{seconds} seconds"))
}
