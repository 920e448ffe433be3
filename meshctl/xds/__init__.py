"""The xDS protocol: sans-IO streams, the order of what is sent, two codecs, and the gRPC shell."""
