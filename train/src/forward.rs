//! One frame through the model, differentiably: what the decoder will compute, plus what it costs.

use vcn_codec::entropy::SymbolEncoder;
use vcn_codec::model::inter::Beside;
use vcn_codec::model::params::FLOW;
use vcn_codec::model::transform::{GREY, LUMA, PACKED, SAMPLE_WEIGHTS, SIDE, packed_plane};
use vcn_codec::model::{self, Model};
use vcn_codec::search::{self, search};
use vcn_codec::vectors::{self, Eye, Side, Sides, Vectors, foretold};
use vcn_codec::warp::{Blend, Flow, Plane};

use crate::rate::{Quality, code};
use crate::tape::Tape;

/// A batch of pictures of one time instant.
pub struct Picture<T> {
    /// Packed at 1/8, `[b, 96, h, w]`, f32, real units.
    pub packed: T,
    /// Luma of each sample, for the motion search.
    pub luma: Vec<Plane>,
}

/// What a frame leaves for the next one.
pub struct Reference<T> {
    /// Decoded packed picture, f32.
    pub packed: T,
    /// Reference features in network precision.
    pub features: T,
    /// Dequantised motion latent, if the frame had motion.
    pub motion: Option<T>,
    /// Decoded packed picture of an earlier frame, and the flow from this one to it; none after an intra frame.
    pub anchor: Option<[T; 2]>,
    /// What was seen of the vectors of each sample; nothing after an intra frame.
    pub vectors: Vec<Vectors>,
}

/// Who tells a frame's motion.
#[derive(Clone, Copy)]
pub enum Teller<'a, T> {
    /// The network alone, at a quality: how it is trained by itself.
    Network(&'a Quality<T>),
    /// The network at a quality, mended by vectors.
    Both(&'a Quality<T>),
    /// Vectors alone.
    Vectors,
}

/// The result of coding a frame.
pub struct Frame<T> {
    /// State for the next frame; its picture is the decoded one.
    pub reference: Reference<T>,
    /// Bits of each sample.
    pub bits: T,
    /// Of these, motion.
    pub motion_bits: Option<T>,
    /// Packed prediction from the searched flow, and the refined one from the coded flow, for inter frames.
    pub predictions: Option<[T; 2]>,
    /// The flow to the frame before, for frames coded from that alone.
    pub flow: Option<T>,
}

/// Codes a frame by itself.
pub fn intra<P: Tape>(
    t: &P,
    model: &Model,
    x: &Picture<P::Tensor>,
    q: &Quality<P::Tensor>,
) -> Frame<P::Tensor> {
    let net = &model.intra;
    let [linear, learned] = net.analyse(t, &x.packed, &q.plane);
    let y = t.plus(&t.full(&linear), &t.full(&learned));
    let coded = code(t, &net.latent, &y, None, q);
    let ([linear, learned], features) = net.synthesise(t, &coded.latent, &q.plane);
    let synthesised = t.plus(&t.full(&linear), &t.full(&learned));
    let [luma, chroma] = planes(t, &synthesised);
    let restored = net.restoration.forward(t, &luma, &features, &q.plane);
    let packed = limit(t, &t.cat(&[&t.plus(&luma, &t.full(&restored)), &chroma]));
    Frame {
        reference: Reference { packed, features, motion: None, anchor: None, vectors: Vec::new() },
        bits: coded.bits,
        motion_bits: None,
        predictions: None,
        flow: None,
    }
}

/// Codes a frame from the one before; `anchors` says whether the one before becomes the anchor of the frames after this one.
pub fn inter<P: Tape>(
    t: &P,
    model: &Model,
    x: &Picture<P::Tensor>,
    reference: &Reference<P::Tensor>,
    q: &Quality<P::Tensor>,
    teller: Teller<P::Tensor>,
    anchors: bool,
) -> Frame<P::Tensor> {
    let net = &model.inter;
    let motion = motion(t, &net.motion, x, reference, teller, &q.lambda);
    let flow = motion.flow;

    let prediction = t.compensate(&reference.packed, &flow);
    let features = t.warp(&reference.features, &flow);
    let (anchor, second) = match &reference.anchor {
        Some([packed, onward]) => {
            let onward = t.plus(&flow, &t.warp(onward, &flow));
            let second = t.compensate(packed, &onward);
            ([packed.clone(), onward], second)
        }
        None => ([reference.packed.clone(), flow.clone()], prediction.clone()),
    };
    let seen = Seen { prediction, features, beside: Beside::Anchor(second) };
    let coded = residual(t, net, x, &seen, q);
    let packed = kept(t, x, reference, &coded.packed, &q.lambda);
    Frame {
        reference: Reference {
            anchor: Some(if anchors { [reference.packed.clone(), flow.clone()] } else { anchor }),
            packed,
            features: coded.features,
            motion: motion.latent,
            vectors: motion.vectors,
        },
        bits: t.plus(&coded.bits, &motion.bits),
        motion_bits: Some(motion.bits),
        predictions: Some([motion.searched_prediction, coded.prediction]),
        flow: Some(flow),
    }
}

/// Codes a frame from the one before and the one after it; `motion` is the flow from that to this. Its vectors are told as the first
/// ones of a GOP.
pub fn between<P: Tape>(
    t: &P,
    model: &Model,
    x: &Picture<P::Tensor>,
    ends: [&Reference<P::Tensor>; 2],
    motion: &P::Tensor,
    q: &Quality<P::Tensor>,
) -> Frame<P::Tensor> {
    let shown = ends.map(|end| shown(t, x, end));
    let fields = shown.each_ref().map(|shown| searched(x, shown, &q.lambda, vectors::SEARCH));
    let (mut flows_to, mut shares, mut bits) = ([Vec::new(), Vec::new()], Vec::new(), Vec::new());
    for (k, motion) in flows(t, motion).iter().enumerate() {
        let foretold = foretold(motion, 1, 2);
        let eyes = shown.each_ref().map(|shown| Eye::new(&x.luma[k], &shown[k], Blend::Pictures));
        let searched = fields.each_ref().map(|fields| fields[k].clone());
        let mut sides = Sides::new([motion.height, motion.width]);
        let chosen = sides.choose(&eyes, &foretold, &searched, vectors::worth(q.lambda[k]));
        let mut coder = SymbolEncoder::new();
        let between = sides.write(&mut coder, &foretold, &chosen).expect("what was chosen can be written");
        bits.push(coder.bits_written() as f32);
        shares.extend(between.by_site().into_iter().map(later_share));
        flows_to.iter_mut().zip(between.flows).for_each(|(all, flow)| all.push(flow));
    }
    let bits = t.constant(&bits, &[bits.len()]);
    let [height, width] = [flows_to[0][0].height, flows_to[0][0].width];
    let share = t.constant(&shares, &[fields[0].len(), 1, height, width]);
    let mixed = |maps: [P::Tensor; 2], share: &P::Tensor| {
        let [before, after] = maps;
        t.plus(&before, &t.mul(&t.minus(&after, &before), share))
    };
    let flows = flows_to.each_ref().map(|flows| flow_tensor(t, flows));
    let compensated = |end: usize| t.compensate(&ends[end].packed, &flows[end]);
    let pictures = [0, 1].map(compensated);
    let beside = Beside::Ends(t.minus(&pictures[1], &pictures[0]));
    let prediction = mixed(pictures, &share);
    let features = mixed([0, 1].map(|end| t.warp(&ends[end].features, &flows[end])), &t.low(&share));
    let seen = Seen { prediction, features, beside };
    let coded = residual(t, &model.inter, x, &seen, q);
    let packed = kept(t, x, ends[0], &coded.packed, &q.lambda);
    Frame {
        reference: Reference {
            packed,
            features: coded.features,
            motion: None,
            anchor: None,
            vectors: Vec::new(),
        },
        bits: t.plus(&coded.bits, &bits),
        motion_bits: Some(bits),
        predictions: Some([t.detach(&seen.prediction), coded.prediction]),
        flow: None,
    }
}

/// The share of the later picture in what is seen.
fn later_share(side: Side) -> f32 {
    match side {
        Side::Both => 0.5,
        Side::Before => 0.0,
        Side::After => 1.0,
    }
}

/// What is seen of a frame before it is coded.
struct Seen<T> {
    /// Packed prediction.
    prediction: T,
    /// Reference features.
    features: T,
    /// What else is seen.
    beside: Beside<T>,
}

/// What coding a frame's residual gives.
struct Residual<T> {
    /// The refined prediction.
    prediction: T,
    /// The decoded packed picture.
    packed: T,
    features: T,
    bits: T,
}

fn residual<P: Tape>(
    t: &P,
    net: &model::inter::Inter,
    x: &Picture<P::Tensor>,
    seen: &Seen<P::Tensor>,
    q: &Quality<P::Tensor>,
) -> Residual<P::Tensor> {
    let context = net.context(t, &seen.prediction, &seen.features, &seen.beside, &q.plane);
    let prediction = moved(t, &seen.prediction, &seen.beside, &context.blend);
    let prediction = t.plus(&prediction, &t.full(&context.refinement));
    let [linear, learned] = net.analyse(t, &x.packed, &prediction, &context);
    let y = t.plus(&t.full(&linear), &t.full(&learned));
    let coded = code(t, &net.latent, &y, Some(&context.entropy), q);
    let ([linear, learned], features) = net.synthesise(t, &coded.latent, &context);
    let packed = limit(t, &t.plus(&prediction, &t.plus(&t.full(&linear), &t.full(&learned))));
    Residual { prediction, packed, features, bits: coded.bits }
}

/// A frame's motion as the decoder will have it.
struct Motion<T> {
    flow: T,
    /// Dequantised motion latent, where the network told one.
    latent: Option<T>,
    bits: T,
    vectors: Vec<Vectors>,
    searched_prediction: T,
}

fn motion<P: Tape>(
    t: &P,
    net: &model::motion::Motion,
    x: &Picture<P::Tensor>,
    reference: &Reference<P::Tensor>,
    teller: Teller<P::Tensor>,
    lambda: &[f32],
) -> Motion<P::Tensor> {
    let shown = shown(t, x, reference);
    match teller {
        Teller::Network(mq) => told(t, net, x, reference, &shown, mq),
        Teller::Both(mq) => {
            mended(t, x, reference, &shown, lambda, Some(told(t, net, x, reference, &shown, mq)))
        }
        Teller::Vectors => mended(t, x, reference, &shown, lambda, None),
    }
}

/// Motion as the network tells it at a quality; `shown` is the reference's luma.
fn told<P: Tape>(
    t: &P,
    net: &model::motion::Motion,
    x: &Picture<P::Tensor>,
    reference: &Reference<P::Tensor>,
    shown: &[Plane],
    q: &Quality<P::Tensor>,
) -> Motion<P::Tensor> {
    let field = flow_tensor(t, &searched(x, shown, &q.lambda, search::SEARCH));
    let searched_prediction = t.compensate(&t.detach(&reference.packed), &field);
    let [linear, learned] = net.analyse(t, &field, &x.packed, &searched_prediction, &q.plane);
    let m = t.plus(&t.full(&linear), &t.full(&learned));
    let none = || {
        let s = t.shape(&m);
        t.low(&t.constant(&vec![0.0; s.iter().product()], &s))
    };
    let previous = reference.motion.as_ref().map_or_else(none, |m| t.low(m));
    let context = net.context(t, &previous, &reference.features);
    let coded = code(t, &net.latent, &m, Some(&context), q);
    let [linear, learned] = net.synthesise(t, &coded.latent, &q.plane);
    Motion {
        flow: t.crop_like(&t.plus(&t.full(&linear), &t.full(&learned)), &field),
        latent: Some(coded.latent),
        bits: coded.bits,
        vectors: reference.vectors.clone(),
        searched_prediction,
    }
}

/// Motion with the vectors that the encoder would choose for it; from no motion where nothing was told.
fn mended<P: Tape>(
    t: &P,
    x: &Picture<P::Tensor>,
    reference: &Reference<P::Tensor>,
    shown: &[Plane],
    lambda: &[f32],
    told: Option<Motion<P::Tensor>>,
) -> Motion<P::Tensor> {
    let fields = searched(x, shown, lambda, vectors::SEARCH);
    let size = [fields[0].height, fields[0].width];
    let foretold = match &told {
        Some(told) => flows(t, &told.flow),
        None => vec![Flow::still(size); fields.len()],
    };
    let mut vectors = reference.vectors.clone();
    vectors.resize_with(fields.len(), || Vectors::new(size));
    let (mut mended, mut bits) = (Vec::new(), Vec::new());
    for (k, vectors) in vectors.iter_mut().enumerate() {
        let eye = Eye::new(&x.luma[k], &shown[k], Blend::Pictures);
        let chosen = vectors.choose(&eye, &foretold[k], &fields[k], vectors::worth(lambda[k]));
        let mut coder = SymbolEncoder::new();
        mended
            .push(vectors.write(&mut coder, &foretold[k], &chosen).expect("what was chosen can be written"));
        bits.push(coder.bits_written() as f32);
    }
    let bits = t.constant(&bits, &[bits.len()]);
    let flow = flow_tensor(t, &mended);
    let Some(told) = told else {
        let searched_prediction = t.compensate(&t.detach(&reference.packed), &flow_tensor(t, &fields));
        return Motion { flow, latent: None, bits, vectors, searched_prediction };
    };
    // Where a block has no motion of its own, the network's flow keeps its gradient.
    let same = foretold.iter().zip(&mended).flat_map(|(a, b)| {
        let sites = a.width * a.height;
        (0..sites).map(move |i| (0..2).all(|k| a.data[k * sites + i] == b.data[k * sites + i]))
    });
    let own: Vec<f32> = same.map(|same| if same { 0.0 } else { 1.0 }).collect();
    let own = t.constant(&own, &[fields.len(), 1, size[0], size[1]]);
    Motion {
        flow: t.plus(&told.flow, &t.mul(&t.minus(&flow, &told.flow), &own)),
        bits: t.plus(&told.bits, &bits),
        vectors,
        ..told
    }
}

/// Bits that it takes, about, to say of a site that it keeps what the reference shows there.
const KEEPING: f32 = 0.25;

/// The decoded picture with the sites of the reference put back that are nearer to the source than what was decoded:
/// where nothing moves, as the encoder will do it.
fn kept<P: Tape>(
    t: &P,
    x: &Picture<P::Tensor>,
    reference: &Reference<P::Tensor>,
    packed: &P::Tensor,
    lambda: &[f32],
) -> P::Tensor {
    let shape = t.shape(packed);
    let sites = shape[2] * shape[3];
    let source = t.sites(&x.packed);
    let [decoded, before] =
        [packed, &reference.packed].map(|picture| site_errors(&source, &t.sites(picture)));
    let keep: Vec<f32> = (0..decoded.len())
        .map(|i| (before[i] + KEEPING * lambda[i / sites] < decoded[i]) as u8 as f32)
        .collect();
    let keep = t.constant(&keep, &[shape[0], 1, shape[2], shape[3]]);
    t.plus(packed, &t.mul(&t.minus(&reference.packed, packed), &keep))
}

/// Squared errors in grey levels, as in RGB, summed over each 8x8 site, `[b, h, w]`, of packed pictures site by site.
fn site_errors(x: &[f32], y: &[f32]) -> Vec<f32> {
    let weights: [f32; PACKED] = std::array::from_fn(channel_error);
    let site = |(x, y): (&[f32], &[f32])| {
        let mut sums = [0.0; 16];
        for ((x, y), weights) in x.chunks_exact(16).zip(y.chunks_exact(16)).zip(weights.chunks_exact(16)) {
            for k in 0..16 {
                let difference = x[k] - y[k];
                sums[k] += weights[k] * difference * difference;
            }
        }
        sums.iter().sum()
    };
    x.chunks_exact(PACKED).zip(y.chunks_exact(PACKED)).map(site).collect()
}

/// What the square of a packed value's error adds to the squared error of the picture, in grey levels and as in RGB.
fn channel_error(channel: usize) -> f32 {
    GREY * GREY * SAMPLE_WEIGHTS[packed_plane(channel)]
}

/// A packed prediction moved by shares of what else is seen, of luma and of chroma at each site.
fn moved<P: Tape>(t: &P, from: &P::Tensor, beside: &Beside<P::Tensor>, shares: &P::Tensor) -> P::Tensor {
    let (way, least) = match beside {
        Beside::Anchor(anchor) => (t.minus(anchor, from), 0.0),
        Beside::Ends(difference) => (difference.clone(), -1.0),
    };
    let shares = t.clamp(&t.full(shares), least, 1.0);
    let [luma, chroma] = planes(t, &way);
    let moved = |plane: &P::Tensor, share| t.mul(plane, &t.channels(&shares, share, 1));
    t.plus(from, &t.cat(&[&moved(&luma, 0), &moved(&chroma, 1)]))
}

/// Luma and chroma of a packed picture.
fn planes<P: Tape>(t: &P, packed: &P::Tensor) -> [P::Tensor; 2] {
    [(0, LUMA), (LUMA, PACKED - LUMA)].map(|(start, len)| t.channels(packed, start, len))
}

/// Limits a picture to the range of 8-bit samples, keeping gradients inside.
fn limit<P: Tape>(t: &P, packed: &P::Tensor) -> P::Tensor {
    t.clamp(packed, -128.0 / GREY, 127.0 / GREY)
}

/// Luma of each sample's reference, in 8 bits.
fn shown<P: Tape>(t: &P, x: &Picture<P::Tensor>, reference: &Reference<P::Tensor>) -> Vec<Plane> {
    let [luma, _] = planes(t, &reference.packed);
    let luma = t.detach(&t.shuffle(&luma, SIDE));
    let values = t.values(&luma);
    let grey = |v: &f32| (v * GREY + 128.0).round().clamp(0.0, 255.0) as u8;
    let planes = values.chunks_exact(values.len() / x.luma.len()).zip(&x.luma);
    planes
        .map(|(v, &Plane { width, height, .. })| Plane { width, height, data: v.iter().map(grey).collect() })
        .collect()
}

/// Motion search of every sample on its own, with a share of its lambda.
fn searched<T>(x: &Picture<T>, shown: &[Plane], lambda: &[f32], share: f32) -> Vec<Flow> {
    let samples = x.luma.iter().zip(shown).zip(lambda);
    samples.map(|((luma, shown), lambda)| Flow::from(&search(luma, shown, share * lambda))).collect()
}

/// Flows in units of 8 luma samples, `[b, 2, h, w]`.
fn flow_tensor<P: Tape>(t: &P, flows: &[Flow]) -> P::Tensor {
    let unit = (1 << FLOW.frac) as f32;
    let data: Vec<f32> = flows.iter().flat_map(|flow| flow.data.iter().map(|&v| v as f32 / unit)).collect();
    t.constant(&data, &[flows.len(), 2, flows[0].height, flows[0].width])
}

/// The inverse of [`flow_tensor`], rounded as the codec rounds.
fn flows<P: Tape>(t: &P, flow: &P::Tensor) -> Vec<Flow> {
    let shape = t.shape(flow);
    let (height, width) = (shape[2], shape[3]);
    let unit = (1 << FLOW.frac) as f32;
    let integer = |v: &f32| ((v * unit).round() as i32).clamp(-FLOW.max(), FLOW.max());
    let values = t.values(flow);
    let samples = values.chunks_exact(2 * height * width);
    samples.map(|v| Flow { width, height, data: v.iter().map(integer).collect() }).collect()
}

/// Squared error of each sample in grey levels, as in RGB, `[b]`.
pub fn distortion<P: Tape>(t: &P, x: &P::Tensor, y: &P::Tensor) -> P::Tensor {
    let d = t.minus(x, y);
    weighed(t, &t.mul(&d, &d))
}

/// What a prediction's error costs in the end, about, for each sample in squared grey levels, `[b]`: at each 8x8 site the error
/// itself where it will be left, and the bits that take it away, which grow with its logarithm, where it will not. With
/// `tau` the error from which on it is coded, that is `tau ln(1 + e / tau)`; the value given is `e / (1 + e / tau)` with the
/// same gradient. Plain squared error would listen to little but the few samples whose motion fails.
pub fn prediction_cost<P: Tape>(t: &P, x: &P::Tensor, y: &P::Tensor, lambda: &[f32]) -> P::Tensor {
    let shape = t.shape(x);
    let sites = shape[2] * shape[3];
    let weight =
        |(i, e): (usize, f32)| 1.0 / (1.0 + e / LUMA as f32 / (model::QUANTISED * lambda[i / sites]));
    let weights: Vec<f32> =
        site_errors(&t.sites(x), &t.sites(y)).into_iter().enumerate().map(weight).collect();
    let d = t.minus(x, y);
    let weights = t.constant(&weights, &[shape[0], 1, shape[2], shape[3]]);
    weighed(t, &t.mul(&t.mul(&d, &d), &weights))
}

/// Squared packed differences, weighed as in RGB, as mean squared grey levels of each sample.
fn weighed<P: Tape>(t: &P, squares: &P::Tensor) -> P::Tensor {
    let shape = t.shape(squares);
    let sites = (shape[2] * shape[3]) as f32;
    let weights: Vec<f32> = (0..PACKED).map(|c| channel_error(c) / (LUMA as f32 * sites)).collect();
    let per_channel = t.sum_sites(squares);
    t.sum_samples(&t.mul(&per_channel, &t.constant(&weights, &[1, shape[1]])))
}
