"""Messages and services of `protos/meshctl/v1`, compiled by the build; nothing here is written by hand."""
