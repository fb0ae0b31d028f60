//! Quality metrics, BD-rate, anchors and rate-distortion plots.
