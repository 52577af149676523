"""Answers from trained artifacts through ONNX Runtime; torch is never imported here."""
