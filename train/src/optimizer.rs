//! Adam (Kingma and Ba 2015) with gradient clipping and an exponential moving average of the weights, on plain
//! vectors: the same for every executor, and resumed exactly by copying them.

/// Optimizer state beside the parameters.
#[derive(Clone, Debug, Default)]
pub struct Adam {
    /// Steps taken by each parameter tensor.
    pub steps: Vec<u32>,
    /// First moments.
    pub first: Vec<Vec<f32>>,
    /// Second moments.
    pub second: Vec<Vec<f32>>,
    /// Averaged parameters.
    pub average: Vec<Vec<f32>>,
}

const BETA: [f32; 2] = [0.9, 0.99];
const EPSILON: f32 = 1e-8;

impl Adam {
    /// Fresh state for `params`.
    pub fn new(params: &[Vec<f32>]) -> Adam {
        let zeros = || params.iter().map(|p| vec![0.0; p.len()]).collect::<Vec<_>>();
        Adam { steps: vec![0; params.len()], first: zeros(), second: zeros(), average: params.to_vec() }
    }

    /// One step; `rate` per parameter tensor (0 leaves it alone), `decay` of the moving average. The caller has made
    /// sure that the gradients are finite; `scale` multiplies them (clipping).
    pub fn step(
        &mut self,
        params: &mut [Vec<f32>],
        gradients: &[Vec<f32>],
        scale: f32,
        rate: &[f32],
        decay: f32,
    ) {
        for (i, (param, gradient)) in params.iter_mut().zip(gradients).enumerate() {
            if rate[i] == 0.0 || gradient.is_empty() {
                continue;
            }
            self.steps[i] += 1;
            let n = self.steps[i] as i32;
            let first_scale = 1.0 / (1.0 - BETA[0].powi(n));
            let second_scale = 1.0 / (1.0 - BETA[1].powi(n));
            let state = self.first[i].iter_mut().zip(&mut self.second[i]).zip(&mut self.average[i]);
            for ((p, g), ((m, v), a)) in param.iter_mut().zip(gradient).zip(state) {
                let g = g * scale;
                *m += (1.0 - BETA[0]) * (g - *m);
                *v += (1.0 - BETA[1]) * (g * g - *v);
                *p -= rate[i] * (*m * first_scale) / ((*v * second_scale).sqrt() + EPSILON);
                *a += (1.0 - decay) * (*p - *a);
            }
        }
    }
}

/// Euclidean norm of gradients.
pub fn norm<'a>(gradients: impl Iterator<Item = &'a Vec<f32>>) -> f32 {
    let square = |chunk: &[f32]| chunk.iter().map(|g| g * g).sum::<f32>() as f64;
    gradients.flat_map(|g| g.chunks(256)).map(square).sum::<f64>().sqrt() as f32
}
