use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{Outcome, listing, phenocopy, run, text};

/// What the server does with a request, of which it is told the number and the head.
type Script = dyn Fn(usize, &str) -> Reply + Send + Sync;

/// Bytes to send, and whether the connection then stays open and silent.
struct Reply {
    bytes: Vec<u8>,
    is_stalled: bool,
}

impl Reply {
    fn of(head: &str, body: &[u8]) -> Self {
        let bytes =
            [format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").as_bytes(), body].concat();
        Self { bytes, is_stalled: false }
    }

    fn whole(body: &[u8]) -> Self {
        Self::of(&format!("200 OK\r\nETag: \"one\"\r\nContent-Length: {}", body.len()), body)
    }
}

/// A server of this test on a free port of this machine.
struct Server {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(script: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/table.csv", listener.local_addr().unwrap());
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let (kept, script) = (Arc::clone(&heads), Arc::new(script) as Arc<Script>);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (heads, script) = (Arc::clone(&kept), Arc::clone(&script));
                thread::spawn(move || answer(stream.unwrap(), &heads, &*script));
            }
        });
        Self { url, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, heads: &Mutex<Vec<String>>, script: &Script) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let number = {
        let mut heads = heads.lock().unwrap();
        heads.push(head.to_lowercase());
        heads.len() - 1
    };
    let reply = script(number, &head.to_lowercase());
    let _ = stream.write_all(&reply.bytes);
    if reply.is_stalled {
        thread::sleep(Duration::from_secs(8));
    }
}

fn content() -> Vec<u8> {
    (0..60_000_u32).flat_map(|i| format!("{i},{}\n", i * 7).into_bytes()).collect()
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A folder to download into and a table that names one file.
struct Place(TempDir);

impl Place {
    fn new(url: &str, keys: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let sources = format!(
            "[[source]]\nname = \"tables\"\ntitle = \"Tables\"\nversion = \"1\"\nlicence = \"CC0\"\n\
             citation = \"Us\"\npage = \"https://example.org\"\n\
             [[source.file]]\npath = \"sub/table.csv\"\nurl = \"{url}\"\n{keys}\n"
        );
        fs::write(home.path().join("sources.toml"), sources).unwrap();
        Self(home)
    }

    fn known(url: &str) -> Self {
        Self::new(url, &format!("bytes = {}\nsha256 = \"{}\"", content().len(), digest(&content())))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self) -> assert_cmd::Command {
        let (sources, folder) = (self.path("sources.toml"), self.0.path());
        let arguments = [
            "databases",
            "get",
            "tables",
            "--sources",
            text(&sources),
            "-o",
            text(folder),
            "--timeout",
            "2",
            "--attempts",
            "3",
        ];
        phenocopy(&arguments)
    }

    fn get(&self) -> Outcome {
        Outcome::of(self.command().output().unwrap())
    }

    fn left(&self) -> Vec<String> {
        let folder = self.path("sub");
        if folder.exists() { listing(&folder) } else { Vec::new() }
    }

    fn assert_whole(&self) {
        assert_eq!(fs::read(self.path("sub/table.csv")).unwrap(), content());
        assert_eq!(self.left(), ["table.csv"], "nothing else is left");
        let line = format!("{}  sub/table.csv\n", digest(&content()));
        assert_eq!(fs::read_to_string(self.path("SHA256SUMS")).unwrap(), line);
    }
}

/// Returns where the range of a request begins.
fn range(head: &str) -> Option<usize> {
    let line = head.lines().find_map(|line| line.strip_prefix("range: bytes="))?;
    line.trim_end_matches('-').parse().ok()
}

/// Sends what was asked for, as a server does that can resume.
fn resumed(head: &str, state: &str) -> Reply {
    let body = content();
    match range(head) {
        Some(start) if head.contains(&format!("if-range: {state}")) => {
            let (last, all) = (body.len() - 1, body.len());
            let head = format!(
                "206 Partial Content\r\nETag: {state}\r\nContent-Range: bytes {start}-{last}/{all}\r\nContent-Length: {}",
                all - start
            );
            Reply::of(&head, &body[start..])
        }
        _ => Reply::whole(&body),
    }
}

/// Promises all and breaks off after `n` bytes.
fn broken(n: usize) -> Reply {
    let body = content();
    let head = format!("200 OK\r\nETag: \"one\"\r\nContent-Length: {}", body.len());
    Reply::of(&head, &body[..n])
}

#[test]
fn a_file_arrives_whole_and_is_not_fetched_twice() {
    let server = Server::start(|_, _| Reply::whole(&content()));
    let place = Place::known(&server.url);
    let shown = place.get().success();
    assert!(shown.contains("sub/table.csv: ") && shown.contains("(as known)"), "{shown}");
    place.assert_whole();
    let again = place.get();
    assert!(again.stderr.contains("already there"), "{again:?}");
    assert_eq!((again.code, server.heads().len()), (Some(0), 1));
    fs::write(place.path("sub/table.csv"), "edited").unwrap();
    let message = place.get().failure();
    assert!(message.contains("it has 6 bytes") && message.contains("move it away"), "{message}");
}

#[test]
fn an_unknown_digest_is_told_and_recorded() {
    let server = Server::start(|_, _| Reply::whole(&content()));
    let place = Place::new(&server.url, "");
    let shown = place.get().success();
    assert!(shown.contains(&digest(&content())) && shown.contains("nothing to compare"), "{shown}");
    place.assert_whole();
    fs::write(place.path("sub/table.csv"), "edited").unwrap();
    assert!(place.get().failure().contains("not what was downloaded"));
}

#[test]
fn a_broken_connection_is_gone_on_with() {
    let server = Server::start(|number, head| match number {
        0 => broken(100_000),
        _ => resumed(head, "\"one\""),
    });
    let place = Place::new(&server.url, "");
    place.get().success();
    place.assert_whole();
    let heads = server.heads();
    assert_eq!((heads.len(), range(&heads[1])), (2, Some(100_000)));
}

#[test]
fn a_part_of_an_earlier_run_is_gone_on_with_unless_the_file_has_changed() {
    let server = Server::start(|number, head| match number {
        0 => broken(50_000),
        1..4 => Reply::of("503 Service Unavailable\r\nContent-Length: 0", b""),
        _ => resumed(head, "\"one\""),
    });
    let place = Place::new(&server.url, "");
    let message = place.get().failure();
    assert!(
        message.contains("attempts") && message.contains("goes on from what is there"),
        "{message}"
    );
    assert_eq!(place.left(), ["table.csv.part", "table.csv.part.json"]);
    place.get().success();
    place.assert_whole();

    let changed = Server::start(|number, head| match number {
        0 => Reply::of("200 OK\r\nETag: \"old\"\r\nContent-Length: 999999", &[b'x'; 5_000]),
        _ => resumed(head, "\"one\""),
    });
    let place = Place::new(&changed.url, "");
    place.get().success();
    place.assert_whole();
}

#[test]
fn a_server_that_cannot_resume_is_asked_for_all_of_it() {
    let server = Server::start(|number, _| match number {
        0 => broken(100_000),
        _ => Reply::whole(&content()),
    });
    let place = Place::known(&server.url);
    place.get().success();
    place.assert_whole();
}

#[test]
fn a_part_that_its_server_does_not_name_is_not_gone_on_with() {
    let server = Server::start(|number, _| {
        let body = content();
        let n_sent = if number == 0 { 9_000 } else { body.len() };
        Reply::of(&format!("200 OK\r\nContent-Length: {}", body.len()), &body[..n_sent])
    });
    let place = Place::new(&server.url, "");
    place.get().success();
    place.assert_whole();
    assert_eq!(range(&server.heads()[1]), None);
}

#[test]
fn wrong_bytes_are_put_aside() {
    let server = Server::start(|_, _| {
        let mut body = content();
        body[77] ^= 1;
        Reply::whole(&body)
    });
    let place = Place::known(&server.url);
    let message = place.get().failure();
    assert!(message.contains("its sha256 is") && message.contains("table.csv.bad"), "{message}");
    assert_eq!(place.left(), ["table.csv.bad"]);
    assert!(!place.path("SHA256SUMS").exists());
}

#[test]
fn a_length_other_than_known_is_refused_before_it_is_fetched() {
    let server = Server::start(|_, _| Reply::of("200 OK\r\nContent-Length: 12", b"another file"));
    let message = Place::known(&server.url).get().failure();
    assert!(message.contains("12 bytes") && message.contains("has changed it"), "{message}");
    // Without a length the end of the connection is the end of the file, which then is too short.
    let server = Server::start(|_, _| Reply::of("200 OK", b"another file"));
    let message = Place::known(&server.url).get().failure();
    assert!(message.contains("it has 12 bytes") && message.contains(".bad"), "{message}");
}

#[test]
fn a_server_that_lies_about_the_range_is_not_believed() {
    let server = Server::start(|number, head| match (number, range(head)) {
        (0, _) => broken(100_000),
        (1, Some(_)) => {
            let body = content();
            let range = format!("Content-Range: bytes 0-{}/{}", body.len() - 1, body.len());
            Reply::of(&format!("206 Partial Content\r\nETag: \"one\"\r\n{range}"), &body)
        }
        _ => Reply::whole(&content()),
    });
    let place = Place::new(&server.url, "");
    place.get().success();
    place.assert_whole();
}

#[test]
fn a_part_that_is_complete_is_recognised() {
    let server = Server::start(|_, _| {
        Reply::of(
            &format!("416 Range Not Satisfiable\r\nContent-Range: bytes */{}", content().len()),
            b"",
        )
    });
    let place = Place::known(&server.url);
    fs::create_dir(place.path("sub")).unwrap();
    fs::write(place.path("sub/table.csv.part"), content()).unwrap();
    let origin = format!("{{\"url\":\"{}\",\"validator\":null}}", server.url);
    fs::write(place.path("sub/table.csv.part.json"), origin).unwrap();
    place.get().success();
    place.assert_whole();
}

#[test]
fn redirects_are_followed() {
    let server = Server::start(|_, head| {
        if head.starts_with("get /table.csv") {
            return Reply::of("302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0", b"");
        }
        resumed(head, "\"one\"")
    });
    let place = Place::known(&server.url);
    place.get().success();
    place.assert_whole();
}

#[test]
fn a_missing_file_is_said_at_once_and_a_tired_server_asked_again() {
    let missing = Server::start(|_, _| Reply::of("404 Not Found\r\nContent-Length: 0", b""));
    let place = Place::known(&missing.url);
    let message = place.get().failure();
    assert_eq!(place.left(), Vec::<String>::new());
    assert!(message.contains("404 Not Found") && message.contains("databases list"), "{message}");
    assert_eq!(missing.heads().len(), 1);

    let tired = Server::start(|number, _| match number {
        0 => Reply::of("503 Service Unavailable\r\nContent-Length: 0", b""),
        1 => Reply::of("500 Internal Server Error\r\nContent-Length: 0", b""),
        _ => Reply::whole(&content()),
    });
    let place = Place::known(&tired.url);
    place.get().success();
    place.assert_whole();

    let ill =
        Server::start(|_, _| Reply::of("500 Internal Server Error\r\nContent-Length: 0", b""));
    assert!(
        Place::known(&ill.url).get().failure().contains("500 Internal Server Error (3 attempts)")
    );
}

#[test]
fn a_silent_connection_is_given_up_and_gone_on_with() {
    let server = Server::start(|number, head| match number {
        0 => Reply { is_stalled: true, ..broken(80_000) },
        _ => resumed(head, "\"one\""),
    });
    let place = Place::known(&server.url);
    place.get().success();
    place.assert_whole();
    assert_eq!(range(&server.heads()[1]), Some(80_000));
}

#[test]
fn a_download_that_is_killed_leaves_a_part_that_is_gone_on_with() {
    let server = Server::start(|number, head| match number {
        0 => Reply { is_stalled: true, ..broken(80_000) },
        _ => resumed(head, "\"one\""),
    });
    let place = Place::known(&server.url);
    let (sources, part) = (place.path("sources.toml"), place.path("sub/table.csv.part"));
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_phenocopy"))
        .args([
            "databases",
            "get",
            "tables",
            "--sources",
            text(&sources),
            "-o",
            text(place.0.path()),
        ])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..200 {
        if fs::metadata(&part).is_ok_and(|part| part.len() == 80_000) {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    let busy = place.get().failure();
    assert!(busy.contains("another phenocopy is writing"), "{busy}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::metadata(&part).unwrap().len(), 80_000);
    let went_on = place.get();
    assert!(went_on.stderr.contains("going on after"), "{went_on:?}");
    went_on.success();
    place.assert_whole();
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_and_a_full_disk_are_said() {
    use std::os::unix::fs::symlink;
    let server = Server::start(|_, _| Reply::whole(&content()));
    let place = Place::known(&server.url);
    fs::write(place.path("sub"), "a file").unwrap();
    let message = place.get().failure();
    assert!(message.contains("cannot create"), "{message}");
    if Path::new("/dev/full").exists() {
        let place = Place::new(&server.url, "");
        fs::create_dir(place.path("sub")).unwrap();
        symlink("/dev/full", place.path("sub/table.csv.part.json.new")).unwrap();
        let message = place.get().failure();
        assert!(message.contains("free some space"), "{message}");
    }
}

#[test]
fn the_sources_are_listed_with_their_terms_and_recipes() {
    let shown = run(&["databases", "list"]).success();
    for part in [
        "lincs-2020 (2020 (beta))",
        "licence: CC0",
        "used by: data/cancer-viability-public.toml",
        "size unknown",
    ] {
        assert!(shown.contains(part), "`{part}` is not in:\n{shown}");
    }
    let one = run(&["databases", "list", "hgnc", "--format", "tsv"]).success();
    assert_eq!(one.lines().count(), 2);
    assert!(one.contains("\tunknown\tunknown\tCC0\t"), "{one}");
    let all = run(&["databases", "list", "--format", "json"]).success();
    assert!(serde_json::from_str::<Value>(&all).unwrap().as_array().unwrap().len() > 5);
    let message = run(&["databases", "list", "hgcn"]).failure();
    assert!(message.contains("did you mean `hgnc`?"), "{message}");
    let message = run(&["databases", "get", "hgnc", "model.csv"]).failure();
    assert!(message.contains("no file `model.csv`") && message.contains("hgnc_complete_set.txt"));
}

fn zipped(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, text) in members {
        archive.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn what_a_recipe_needs_of_an_archive_is_put_beside_it() {
    let archive = zipped(&[("readme.txt", "no"), ("release/curves.txt", "id\tauc\n1\t.5\n")]);
    let server = Server::start(move |_, _| Reply::whole(&archive));
    let keys = "members = [\"curves.txt\"]";
    let place = Place::new(&server.url, keys);
    let shown = place.get();
    assert!(shown.stderr.contains("curves.txt: unpacked"), "{shown:?}");
    assert_eq!(place.left(), ["curves.txt", "table.csv"]);
    assert_eq!(fs::read_to_string(place.path("sub/curves.txt")).unwrap(), "id\tauc\n1\t.5\n");
    let again = place.get();
    assert!(!again.stderr.contains("unpacked"), "it is there already: {again:?}");
    again.success();
    // Of an archive that came later.
    let member = fs::OpenOptions::new().write(true).open(place.path("sub/curves.txt")).unwrap();
    member.set_len(0).unwrap();
    member.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert!(place.get().stderr.contains("curves.txt: unpacked"));
    assert_eq!(fs::read_to_string(place.path("sub/curves.txt")).unwrap(), "id\tauc\n1\t.5\n");
}

#[cfg(unix)]
#[test]
fn what_is_unpacked_may_be_read_by_whom_other_new_files_may_be() {
    use std::os::unix::fs::PermissionsExt;

    let archive = zipped(&[("curves.txt", "id\n")]);
    let server = Server::start(move |_, _| Reply::whole(&archive));
    let place = Place::new(&server.url, "members = [\"curves.txt\"]");
    place.get().success();
    fs::write(place.path("new.txt"), "").unwrap();
    let [unpacked, new] = ["sub/curves.txt", "new.txt"]
        .map(|name| fs::metadata(place.path(name)).unwrap().permissions().mode());
    assert_eq!(unpacked, new);
}

#[test]
fn an_archive_that_lacks_a_file_or_is_none_is_refused() {
    for (bytes, problem) in
        [(zipped(&[("a.txt", "")]), "holds no `curves.txt`"), (content(), "archive")]
    {
        let server = Server::start(move |_, _| Reply::whole(&bytes));
        let message = Place::new(&server.url, "members = [\"curves.txt\"]").get().failure();
        assert!(message.contains(problem) && message.contains("table.csv"), "{message}");
    }
    let message = Place::new("http://x", "members = [\"../passwd\"]").get().failure();
    assert!(message.contains("no path below the folder"), "{message}");
}

#[test]
fn a_recipe_names_all_the_sources_that_it_uses() {
    for (recipe, sources) in [
        (
            "cancer-viability-public",
            &["depmap", "gdsc", "prism", "ctrp", "repurposing-hub", "hgnc"][..],
        ),
        ("replogle-2022", &["replogle", "hgnc"]),
        ("tahoe-100m", &["tahoe", "hgnc"]),
    ] {
        let message = run(&["databases", "get", recipe, "none.csv"]).failure();
        let sources = sources.join(", ");
        assert!(message.contains(&format!("database `{sources}`")), "{recipe}: {message}");
    }
}
