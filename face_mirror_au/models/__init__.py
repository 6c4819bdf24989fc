"""Networks on ONNX Runtime, and OpenFace's model files: detectors and landmark models with one interface each (`protocols`)."""
