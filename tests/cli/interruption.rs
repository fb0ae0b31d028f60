//! Ctrl-C.

#[test]
#[cfg(unix)]
fn nothing_is_left_behind() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    let place = crate::vcn::Place::new();
    place.video("in.y4m", 64, 64, 3);
    let input = place.bytes("in.y4m");
    let mut command = place.command("compress - -o a.vcn --log log.csv --model MODEL");
    let mut child =
        command.stdin(Stdio::piped()).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    // The input stays open, so the program waits for more.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&input).unwrap();
    stdin.flush().unwrap();
    let started = Instant::now();
    while place.names().len() < 3 && started.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(place.names().len(), 3, "two unfinished outputs: {:?}", place.names());
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(place.names(), ["in.y4m"]);
    drop(stdin);
}
