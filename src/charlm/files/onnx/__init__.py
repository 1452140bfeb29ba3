"""Models as ONNX, the format of networks that runs without PyTorch."""
