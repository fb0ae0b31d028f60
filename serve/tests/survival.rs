//! Many clients at once, and the server killed with SIGKILL in the middle: nothing that was acknowledged is lost.
//!
//! A few seconds with 16 clients by default; `VCN_SERVE_SECONDS=60 VCN_SERVE_CLIENTS=64` for the long version, whose
//! numbers are in `doc/RESULTS.md`.
#![allow(missing_docs)]

mod place;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    process::{Child, Command},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use place::{ANN, BOB, EVE, play, push_frames, take, users};
use vcn_serve::{
    Client, Error,
    server::{Limits, Server},
};
use vcn_store::{Location, Store, VerifyOptions};

/// Not a test: the server that is killed.
#[test]
#[ignore = "the child of the other"]
fn child() {
    let (Ok(folder), Ok(address)) = (std::env::var("VCN_TEST_FOLDER"), std::env::var("VCN_TEST_ADDRESS"))
    else {
        return;
    };
    let store = Store::open(&Location::folder(Path::new(&folder).join("store")), Vec::new()).unwrap();
    let server = Server::bind(store, users(Path::new(&folder)), Limits::default(), &address).unwrap();
    server.run().unwrap();
}

fn spawn(folder: &Path, address: SocketAddr) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env("VCN_TEST_FOLDER", folder)
        .env("VCN_TEST_ADDRESS", address.to_string())
        .spawn()
        .unwrap()
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// What must hold of a name: the take that it shows, or that it is gone.
type Promises = Mutex<BTreeMap<String, Option<u64>>>;

#[test]
fn nothing_that_was_acknowledged_is_lost() {
    let length = Duration::from_secs(setting("VCN_SERVE_SECONDS", 5));
    let clients = setting("VCN_SERVE_CLIENTS", 16);
    let folder = tempfile::tempdir().unwrap();
    drop(Store::init(&Location::folder(folder.path().join("store")), Vec::new()).unwrap());
    users(folder.path());
    // A port that was free a moment ago, so that the server comes back where it was.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut server = spawn(folder.path(), address);

    let promises = Promises::default();
    let stop = AtomicBool::new(false);
    let [pushes, references, shares, removals] = [(); 4].map(|()| AtomicU64::new(0));
    let latencies = Mutex::new(Vec::new());
    let one = |client: u64| {
        let (user, token) = [("ann", ANN), ("bob", BOB), ("eve", EVE)][(client % 3) as usize];
        let at = Client::new(&format!("http://{address}"), token, Duration::from_secs(120)).unwrap();
        let promise = |name: &str, shows| promises.lock().unwrap().insert(name.to_owned(), shows);
        for step in 0.. {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            // Most videos are this client's own, some are the same for all.
            let which = if step % 4 == 3 { step } else { 1_000_000 + client * 10_000 + step };
            let name = format!("{client}/{step}");
            let started = Instant::now();
            let pushed = push_frames(&at, &name, &take(which, 0..8)).unwrap();
            latencies.lock().unwrap().push(started.elapsed());
            promise(&format!("{user}/{name}"), Some(which));
            pushes.fetch_add(1, Ordering::Relaxed);
            references.fetch_add(u64::from(pushed.encoded_frames == 0), Ordering::Relaxed);
            if step % 5 == 0 {
                let to = if user == "bob" { "ann" } else { "bob" };
                at.share(&name, &[to.to_owned()]).unwrap();
                promise(&format!("{to}/from/{user}/{name}"), Some(which));
                shares.fetch_add(1, Ordering::Relaxed);
            }
            if step % 7 == 2 {
                match at.remove(&name) {
                    // The first attempt did it, and the server was killed before it could say so.
                    Ok(()) | Err(Error::Refused { status: 404, .. }) => {}
                    Err(error) => panic!("{error}"),
                }
                promise(&format!("{user}/{name}"), None);
                removals.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let mut before_kill = 0;
    std::thread::scope(|scope| {
        for client in 0..clients {
            scope.spawn(move || one(client));
        }
        std::thread::sleep(length / 2);
        server.kill().unwrap();
        server.wait().unwrap();
        before_kill = pushes.load(Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(200));
        server = spawn(folder.path(), address);
        std::thread::sleep(length / 2);
        // Where the machine is busy with other things, until each kind of thing has happened.
        let happened = |count: &AtomicU64, least| count.load(Ordering::Relaxed) > least;
        let enough = || {
            happened(&pushes, before_kill) && [&references, &shares, &removals].iter().all(|c| happened(c, 0))
        };
        let patience = Instant::now() + length * 20;
        while !enough() && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(50));
        }
        stop.store(true, Ordering::Relaxed);
    });
    server.kill().unwrap();
    server.wait().unwrap();

    let store = Store::open(&Location::folder(folder.path().join("store")), Vec::new()).unwrap();
    let promises = promises.into_inner().unwrap();
    for (name, shows) in &promises {
        match shows {
            Some(which) => assert!(play(&store, name) == take(*which, 0..8), "{name}"),
            None => assert!(store.stat(name).is_err(), "{name}"),
        }
    }
    let report = store.verify(VerifyOptions { decode: true }).unwrap();
    assert!(report.is_sound(), "{report:?}");
    let [pushes, references, shares, removals] =
        [pushes, references, shares, removals].map(|count| count.into_inner());
    let mut latencies = latencies.into_inner().unwrap();
    latencies.sort_unstable();
    let at = |share: usize| latencies[(latencies.len() - 1) * share / 100].as_millis();
    println!(
        "{clients} clients, {} s: {pushes} pushes ({references} references), {shares} shares, {removals} removals, \
         {} names checked; a push takes {} ms (median), {} ms (99 %)",
        length.as_secs(),
        promises.len(),
        at(50),
        at(99)
    );
    assert!(before_kill > 0 && pushes > before_kill && shares > 0 && removals > 0 && references > 0);
}
