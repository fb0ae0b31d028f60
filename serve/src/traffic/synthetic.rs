//! A synthetic log: friends, groups, a few popular videos and many others, busy evenings. Made from a seed.

use std::collections::HashMap;

use super::{Share, Video};

/// What to make.
#[derive(Clone, Copy, Debug)]
pub struct Synthetic {
    /// Equal seeds give equal logs.
    pub seed: u64,
    /// Users.
    pub users: u32,
    /// Different videos.
    pub videos: u32,
    /// Shares.
    pub shares: u32,
    /// Days.
    pub days: u32,
}

impl Default for Synthetic {
    fn default() -> Synthetic {
        Synthetic { seed: 1, users: 500, videos: 2000, shares: 20_000, days: 1 }
    }
}

/// Shares of traffic of the hours of a day, in parts of their sum: quiet nights, busy evenings.
const HOURS: [f32; 24] =
    [3., 2., 1., 1., 1., 1., 2., 4., 5., 5., 5., 6., 7., 7., 6., 6., 6., 7., 8., 10., 11., 10., 8., 5.];
/// Apps, with their part of the shares and of these the part that goes to groups.
const APPS: [(&str, f32, f32); 3] = [("chat", 0.6, 0.35), ("feed", 0.25, 0.9), ("mail", 0.15, 0.1)];
/// How many of the shares pass on what the user was sent.
const FORWARDED: f32 = 0.5;
/// How many of the forwarded videos were re-encoded by the app they passed through, and of these, how many pass the pixel
/// check (the others were cropped or captioned).
const RE_ENCODED: f32 = 0.3;
const CONFIRMED: f32 = 0.7;
/// Friends of a user, and most receivers of a group.
const FRIENDS: usize = 15;
const GROUP: usize = 30;
/// Median of the file sizes, which are distributed as a log-normal with a standard deviation of 1.
const MEDIAN_BYTES: f64 = 4e6;
/// 2025-01-01T00:00:00Z.
const START: i64 = 1_735_689_600;

/// Makes a log, and what is known of its videos.
pub fn synthetic(what: &Synthetic) -> (Vec<Share>, HashMap<String, Video>) {
    let mut random = fastrand::Rng::with_seed(what.seed);
    let users = what.users.max(2) as usize;
    let names: Vec<String> = (0..users).map(|user| format!("user{user}")).collect();
    let friends: Vec<Vec<usize>> = (0..users)
        .map(|user| (0..FRIENDS).map(|_| random.usize(..users)).filter(|friend| *friend != user).collect())
        .collect();
    let mut videos: HashMap<String, Video> = HashMap::new();
    let originals: Vec<String> = (0..what.videos.max(1)).map(|index| format!("video{index}")).collect();
    for name in &originals {
        let bytes = (MEDIAN_BYTES * normal(&mut random).exp()) as u64 + 10_000;
        videos.insert(name.clone(), Video { bytes, identity: name.clone(), copy_of: None });
    }
    let times = times(what, &mut random);
    // What every user was sent.
    let mut seen: Vec<Vec<String>> = vec![Vec::new(); users];
    let mut shares = Vec::with_capacity(times.len());
    for (index, time) in times.into_iter().enumerate() {
        let user = random.usize(..users);
        let (app, _, groups) = pick_app(&mut random);
        let received = random.choice(&seen[user]).filter(|_| random.f32() < FORWARDED).cloned();
        let video = match received {
            Some(video) if random.f32() < RE_ENCODED => re_encoded(&mut random, &mut videos, &video, index),
            Some(video) => video,
            None => originals[zipf(&mut random, originals.len())].clone(),
        };
        let group = random.f32() < groups;
        let count = if group { random.usize(2..=GROUP) } else { 1 };
        let mut to: Vec<usize> = Vec::new();
        for _ in 0..count {
            let friend = random.choice(&friends[user]).copied().filter(|_| count <= FRIENDS);
            let other = friend.unwrap_or_else(|| random.usize(..users));
            if other != user && !to.contains(&other) {
                to.push(other);
            }
        }
        if to.is_empty() {
            to.push((user + 1) % users);
        }
        to.iter().chain([&user]).for_each(|one| seen[*one].push(video.clone()));
        shares.push(Share {
            time,
            user: names[user].clone(),
            bytes: videos.get(&video).map(|video| video.bytes),
            video,
            group: to.len() > 1,
            to: to.into_iter().map(|to| names[to].clone()).collect(),
            app: app.to_owned(),
        });
    }
    (shares, videos)
}

/// Times of all shares, in order.
fn times(what: &Synthetic, random: &mut fastrand::Rng) -> Vec<i64> {
    let sum: f32 = HOURS.iter().sum();
    let mut times: Vec<i64> = (0..what.shares)
        .map(|_| {
            let mut left = random.f32() * sum;
            let hour = HOURS.iter().position(|part| {
                left -= part;
                left < 0.0
            });
            let day = i64::from(random.u32(..what.days.max(1)));
            START + (day * 24 + hour.unwrap_or(23) as i64) * 3600 + random.i64(0..3600)
        })
        .collect();
    times.sort_unstable();
    times
}

fn pick_app(random: &mut fastrand::Rng) -> (&'static str, f32, f32) {
    let mut left = random.f32();
    let picked = APPS.into_iter().find(|(_, part, _)| {
        left -= part;
        left < 0.0
    });
    picked.unwrap_or(APPS[0])
}

/// A copy with other bytes and frames; if pixels confirm it, it counts as what it was made from.
fn re_encoded(
    random: &mut fastrand::Rng,
    videos: &mut HashMap<String, Video>,
    video: &str,
    index: usize,
) -> String {
    let name = format!("{}~{index}", video.split('~').next().unwrap_or(video));
    let Some(source) = videos.get(video) else { return video.to_owned() };
    let root = source.copy_of.clone().unwrap_or_else(|| source.identity.clone());
    let copy_of = (random.f32() < CONFIRMED).then_some(root);
    let bytes = (source.bytes as f64 * (0.4 + 0.5 * random.f64())) as u64 + 1;
    videos.insert(name.clone(), Video { bytes, identity: name.clone(), copy_of });
    name
}

/// An index below `count`, the first ones the most likely: Zipf's law with exponent 1, by inverting its integral.
fn zipf(random: &mut fastrand::Rng, count: usize) -> usize {
    let index = ((count as f64 + 1.0).powf(random.f64())).floor() as usize;
    index.saturating_sub(1).min(count - 1)
}

/// A standard normal number (Box and Muller 1958).
fn normal(random: &mut fastrand::Rng) -> f64 {
    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (std::f64::consts::TAU * random.f64()).cos()
}

#[cfg(test)]
mod tests {
    use super::super::{Options, replay};
    use super::*;

    #[test]
    fn a_seed_makes_one_log_and_identification_saves_in_it() {
        let what = Synthetic { seed: 7, users: 50, videos: 100, shares: 2000, days: 2 };
        let (shares, videos) = synthetic(&what);
        assert_eq!(shares, synthetic(&what).0);
        assert_ne!(shares, synthetic(&Synthetic { seed: 8, ..what }).0);
        assert_eq!(shares.len(), 2000);
        assert!(shares.is_sorted_by_key(|share| share.time));
        assert!(
            shares.iter().all(|share| !share.to.contains(&share.user) && share.group == (share.to.len() > 1))
        );
        assert!(shares[0].time >= START && shares[1999].time < START + 2 * 86_400);
        let between = |from: i64, to: i64| {
            let hours = shares.iter().map(|share| (share.time - START) / 3600 % 24);
            hours.filter(|hour| (from..to).contains(hour)).count()
        };
        assert!(between(19, 23) > 3 * between(1, 5));
        let report = replay(&shares, &videos, &Options::default()).unwrap();
        let [exact, copies] = report.total.saved();
        assert!(0.0 < exact && exact < copies && copies < 1.0, "{exact} {copies}");
        assert_eq!(
            (report.apps.len(), report.hours.values().map(|hour| hour.shares).sum::<u64>()),
            (3, 2000)
        );
    }
}
