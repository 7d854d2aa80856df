use std::io::Read;
use std::thread::sleep;
use std::time::Duration;

use phenocopy::{Error, Result};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use super::part::PartFile;

/// Fetches files, and goes on where a connection broke off.
pub(super) struct Downloader {
    agent: Agent,
    most_attempts: u32,
}

/// What is fetched.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) url: &'a str,
    /// Its size, if it is known.
    pub(super) bytes: Option<u64>,
    /// Whether its digest is known, so that a part of it can be gone on with whatever the server says of it.
    pub(super) is_verified: bool,
}

/// Is told how many bytes are there, and of how many if the server says so.
pub(super) type Observer<'a> = &'a dyn Fn(u64, Option<u64>);

/// Why an attempt failed.
enum Failure {
    /// Another attempt may do better.
    Passing(String),
    Final(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl Downloader {
    /// A connection that is silent for `silence` is given up; an attempt that brought nothing is repeated until
    /// there were `most_attempts`.
    pub(super) fn new(silence: Duration, most_attempts: u32) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_resolve(Some(silence))
            .timeout_connect(Some(silence))
            .timeout_recv_response(Some(silence))
            .timeout_per_read(Some(silence))
            .user_agent(concat!("phenocopy/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .build();
        Self { agent: config.new_agent(), most_attempts }
    }

    /// Brings a part to its full length.
    ///
    /// # Errors
    /// When the server does not have the file, or all attempts failed; what came stays.
    pub(super) fn fetch(
        &self,
        wanted: Wanted<'_>,
        part: &mut PartFile,
        observe: Observer<'_>,
    ) -> Result<()> {
        let (mut n_failed, mut furthest) = (0, part.length());
        loop {
            let problem = match self.attempt(wanted, part, observe) {
                Ok(()) => return Ok(()),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(problem)) => problem,
            };
            // A server that cannot resume begins anew each time: only what was never reached is progress.
            if part.length() > furthest {
                (n_failed, furthest) = (0, part.length());
            }
            n_failed += 1;
            if n_failed >= self.most_attempts {
                let advice = "run it again later: it goes on from what is there";
                return Err(Error::data(
                    what(wanted.url),
                    format!("{problem} ({n_failed} attempts)"),
                    advice,
                ));
            }
            sleep(pause_before(n_failed));
        }
    }

    fn attempt(
        &self,
        wanted: Wanted<'_>,
        part: &mut PartFile,
        observe: Observer<'_>,
    ) -> Result<(), Failure> {
        let validator = part.origin().validator.clone();
        if part.length() > 0 && validator.is_none() && !wanted.is_verified {
            part.restart()?;
        }
        let start = part.length();
        let mut request = self.agent.get(wanted.url);
        if start > 0 {
            request = request.header("Range", format!("bytes={start}-"));
            if let Some(validator) = &validator {
                request = request.header("If-Range", validator);
            }
        }
        let response = request.call().map_err(|error| failure_of(wanted.url, &error))?;
        let Some(total) = begin(wanted, part, &response)? else { return Ok(()) };
        if let (Some(known), Some(total)) = (wanted.bytes, total)
            && known != total
        {
            return Err(Failure::Final(other_size(wanted.url, known, total)));
        }
        receive(part, response, total, observe)
    }
}

/// Looks at the head of an answer and makes the part ready for what follows; returns how long the whole file is, as
/// far as the server says so, or nothing if all of it is there.
fn begin(
    wanted: Wanted<'_>,
    part: &mut PartFile,
    response: &Response<Body>,
) -> Result<Option<Option<u64>>, Failure> {
    let status = response.status();
    let range = header(response, "content-range");
    match status {
        StatusCode::OK => {
            part.restart()?;
            part.set_validator(validator(response))?;
            Ok(Some(response.body().content_length()))
        }
        StatusCode::PARTIAL_CONTENT => {
            let (first, total) = range.as_deref().and_then(parse_range).unwrap_or_default();
            let saved = part.origin().validator.clone();
            let is_other =
                saved.is_some() && validator(response).is_some_and(|now| Some(now) != saved);
            if first != Some(part.length()) || is_other {
                part.restart()?;
                part.set_validator(None)?;
                return Err(Failure::Passing(
                    "the server sent another part than was asked for".to_owned(),
                ));
            }
            Ok(Some(total))
        }
        StatusCode::RANGE_NOT_SATISFIABLE => {
            let total = range.as_deref().and_then(parse_range).and_then(|(_, total)| total);
            if total == Some(part.length()) {
                return Ok(None);
            }
            part.restart()?;
            part.set_validator(None)?;
            Err(Failure::Passing("the server has less than came before".to_owned()))
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Err(Failure::Passing(format!("the server answers {status}")))
        }
        _ if status.is_server_error() => {
            Err(Failure::Passing(format!("the server answers {status}")))
        }
        _ => {
            let advice = "the publisher may have moved it: look at the page that `phenocopy databases list` names";
            let problem = format!("the server answers {status}");
            Err(Failure::Final(Error::data(what(wanted.url), problem, advice)))
        }
    }
}

/// Writes what follows the head of an answer.
fn receive(
    part: &mut PartFile,
    response: Response<Body>,
    total: Option<u64>,
    observe: Observer<'_>,
) -> Result<(), Failure> {
    let mut reader = response.into_body().into_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        observe(part.length(), total);
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n_read) => part.append(buffer.get(..n_read).unwrap_or_default())?,
            Err(error) => return Err(Failure::Passing(format!("the connection broke: {error}"))),
        }
    }
    match total.filter(|total| *total != part.length()) {
        None => Ok(()),
        Some(total) => {
            let length = part.length();
            Err(Failure::Passing(format!("the connection ended after {length} of {total} bytes")))
        }
    }
}

fn header(response: &Response<Body>, name: &str) -> Option<String> {
    Some(response.headers().get(name)?.to_str().ok()?.trim().to_owned())
}

/// Returns what the server calls this state of the file. A weak `ETag` may stay the same while bytes change.
fn validator(response: &Response<Body>) -> Option<String> {
    let strong = header(response, "etag").filter(|tag| !tag.starts_with("W/"));
    strong.or_else(|| header(response, "last-modified"))
}

/// Reads `bytes 5-9/10`, `bytes 5-9/*` or `bytes */10`: the first byte, and how many there are in all.
fn parse_range(text: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let first = range.split_once('-').and_then(|(first, _)| first.trim().parse().ok());
    Some((first, total.trim().parse().ok()))
}

fn failure_of(url: &str, error: &ureq::Error) -> Failure {
    let advice = match error {
        ureq::Error::Io(_)
        | ureq::Error::Timeout(_)
        | ureq::Error::ConnectionFailed
        | ureq::Error::Protocol(_)
        | ureq::Error::BodyStalled => return Failure::Passing(format!("no connection: {error}")),
        ureq::Error::HostNotFound => {
            "check the connection to the internet and the proxy (HTTPS_PROXY)"
        }
        _ => "check the address",
    };
    Failure::Final(Error::data(what(url), error.to_string(), advice))
}

fn other_size(url: &str, known: u64, received: u64) -> Error {
    let problem = format!("the server's file has {received} bytes, the one that was known {known}");
    let advice = "the publisher has changed it: look at its page, and for a newer phenocopy";
    Error::data(what(url), problem, advice)
}

fn what(url: &str) -> String {
    format!("download of `{url}`")
}

/// Half a second before the second attempt, twice as long before each later one, at most a minute.
fn pause_before(n_failed: u32) -> Duration {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(60);
    FIRST.saturating_mul(1 << (n_failed - 1).min(16)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_answers_are_read() {
        assert_eq!(parse_range("bytes 5-9/10"), Some((Some(5), Some(10))));
        assert_eq!(parse_range("bytes 5-9/*"), Some((Some(5), None)));
        assert_eq!(parse_range("bytes */10"), Some((None, Some(10))));
        assert_eq!(parse_range("items 1-2/3"), None);
    }

    #[test]
    fn pauses_grow_to_a_minute() {
        assert_eq!(pause_before(1), Duration::from_millis(500));
        assert_eq!(pause_before(3), Duration::from_secs(2));
        assert_eq!(pause_before(40), Duration::from_secs(60));
    }
}
