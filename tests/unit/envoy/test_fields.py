from meshctl.envoy import pb
from meshctl.envoy.fields import differing

OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def test_equal_messages_differ_in_nothing_whatever_their_bytes() -> None:
    one = pb.Cluster(name="a", lb_policy=pb.Cluster.RANDOM)
    swapped = pb.Cluster(lb_policy=pb.Cluster.RANDOM).SerializeToString() + b"\x0a\x01a"
    assert swapped != one.SerializeToString()
    assert differing(one, pb.Cluster.FromString(swapped)) == ()


def test_a_field_that_comes_is_told_from_one_that_changes() -> None:
    absent, short = pb.Cluster(), pb.Cluster()
    short.connect_timeout.seconds = 1
    long = pb.Cluster()
    long.connect_timeout.seconds = 2
    assert differing(absent, short) == ("connect_timeout",)
    assert differing(short, long) == ("connect_timeout.seconds",)


def test_packed_messages_are_compared_by_their_fields() -> None:
    old, new = pb.Cluster(), pb.Cluster()
    old.typed_extension_protocol_options[OPTIONS].CopyFrom(pb.pack(pb.UpstreamHttpOptions()))
    inner = pb.UpstreamHttpOptions(common_http_protocol_options=pb.HttpProtocolOptions())
    new.typed_extension_protocol_options[OPTIONS].CopyFrom(pb.pack(inner))
    assert differing(old, new) == ("typed_extension_protocol_options.common_http_protocol_options",)


def test_packed_message_of_a_type_that_is_not_known_is_compared_as_bytes() -> None:
    old, new = pb.Any(type_url="x/of.nobody", value=b"1"), pb.Any(type_url="x/of.nobody", value=b"2")
    before, after = pb.Filter(typed_config=old), pb.Filter(typed_config=new)
    assert differing(before, before) == ()
    assert differing(before, after) == ("typed_config",)


def test_fields_without_a_name_here_are_not_overlooked() -> None:
    late = pb.Cluster.FromString(b"\xc2\x3e\x01a")  # field 1000
    assert differing(pb.Cluster(), late) == ("?",)
    assert differing(late, late) == ()


def test_lists_have_the_path_of_the_list() -> None:
    one = pb.ClusterLoadAssignment()
    one.endpoints.add().lb_endpoints.add()
    two = pb.ClusterLoadAssignment()
    two.endpoints.add().lb_endpoints.add().endpoint.hostname = "b"
    assert differing(pb.ClusterLoadAssignment(), one) == ("endpoints",)
    assert differing(one, two) == ("endpoints.lb_endpoints.endpoint",)
