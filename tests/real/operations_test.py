"""What operators see: metrics that Prometheus's own tool takes, a configuration without its secrets, and telemetry that
OpenTelemetry's own types read."""

import gzip
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from support import DEADLINE, FUNCTIONS, RIC, cleanup, free_port, request, start

CONFIG = f"""
    lambridge: 1
    listeners: [{{ address: 127.0.0.1:0 }}]
    admin: {{ address: 127.0.0.1:0 }}
    emulator: {{ address: 127.0.0.1:0 }}
    functions:
      web:
        log_tail: true
        credentials: {{ access_key_id: AKIDEXAMPLE, secret_access_key: hunter2 }}
        run: {{ command: {RIC} functions.web, dir: {FUNCTIONS}, env: {{ API_TOKEN: hunter3 }} }}
    routes:
      - {{ id: web, match: {{ path: "/web/{{name}}" }}, function: web }}
      - {{ id: 'a "quoted" id', match: {{ path: /static }}, static: {{}} }}
      - id: edge
        match: {{ path: /edge, headers: {{ x-origin-verify: hunter4, x-env: prod }}, query: {{ api-key: hunter5 }} }}
        function: web
        request_headers: {{ set: {{ authorization: Bearer hunter6, x-plain: shown }}, add: {{ cookie: a=hunter7 }} }}
"""


def admin_of(program):
    return program.await_line(r"admin on http://")[0].rsplit("/", 1)[1]


class Admin(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = start(cls, "dev", CONFIG)
        cls.admin = admin_of(cls.program)
        for target in ["/web/a", "/web/b", "/static", "/nowhere"]:
            request(cls.program.gateway, "GET", target)

    def read(self, path):
        answer = request(self.admin, "GET", path)
        self.assertEqual(answer.status, 200, path)
        return answer.body.decode()

    def test_promtool_takes_the_metrics(self):
        promtool = os.environ.get("PROMTOOL") or shutil.which("promtool")
        if promtool is None:
            self.skipTest("promtool is not installed (Debian: prometheus) and PROMTOOL is not set")
        checked = subprocess.run(
            [promtool, "check", "metrics"], input=self.read("/metrics"), text=True, capture_output=True, timeout=DEADLINE
        )
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))

    def test_every_metric_is_documented(self):
        page = (pathlib.Path(__file__).parents[2] / "docs/operations.md").read_text()
        families = [line.split(" ")[2] for line in self.read("/metrics").splitlines() if line.startswith("# TYPE")]
        self.assertGreater(len(families), 20)
        self.assertEqual([name for name in families if f"`{name}`" not in page], [])

    def test_a_cold_start_and_its_cost_are_counted(self):
        metrics = self.read("/metrics")
        self.assertIn('lambridge_cold_starts_total{function="web"} 1\n', metrics)
        self.assertIn('lambridge_reports_total{function="web"} 2\n', metrics)
        self.assertRegex(metrics, r'lambridge_cost_dollars_total\{route="web"\} 0\.0000[0-9]+')
        self.assertIn('{route="a \\"quoted\\" id",method="GET",status="2xx"} 1\n', metrics)

    def test_routes_and_functions(self):
        """The first to be asked first, with their places in the file."""
        found = [(route["id"], route["origin"].partition(".yaml:")[2]) for route in json.loads(self.read("/routes"))]
        self.assertEqual(found, [("edge", "14:5"), ('a "quoted" id', "13:7"), ("web", "12:7")])
        [function] = json.loads(self.read("/functions"))
        self.assertEqual((function["key"], function["in_flight"]), ("web", 0))

    def test_the_configuration_shows_no_secret(self):
        shown = self.read("/config")
        self.assertIn("lambridge: 1", shown)
        for part in ["****", "x-env: prod", "x-plain: shown"]:
            self.assertIn(part, shown)
        for page in ["/config", "/routes", "/functions", "/metrics", "/lambda"]:
            self.assertNotIn("hunter", self.read(page), page)


class Collector(http.server.ThreadingHTTPServer):
    """Keeps what it is sent."""

    daemon_threads = True

    def __init__(self):
        self.bodies, self.arrived = {"/v1/traces": [], "/v1/metrics": []}, threading.Condition()
        self.codings = set()
        super().__init__(("127.0.0.1", 0), Keep)

    def wait_for(self, path, read, enough):
        """Waits until what was sent to `path` is enough; gives it."""
        deadline = time.monotonic() + DEADLINE
        with self.arrived:
            while True:
                found = [read.FromString(body) for body in self.bodies[path]]
                if enough(found):
                    return found
                if not self.arrived.wait(max(0, deadline - time.monotonic())) and time.monotonic() > deadline:
                    raise AssertionError(f"not enough at {path}: {found}")


class Keep(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        assert self.headers["content-type"] == "application/x-protobuf"
        self.server.codings.add(self.headers["content-encoding"])
        if self.headers["content-encoding"] == "gzip":
            body = gzip.decompress(body)
        with self.server.arrived:
            self.server.bodies[self.path].append(body)
            self.server.arrived.notify_all()
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def spans_of(requests):
    return [span for one in requests for all in one.resource_spans for scope in all.scope_spans for span in scope.spans]


def metrics_of(requests):
    found = [metric for one in requests for all in one.resource_metrics for scope in all.scope_metrics for metric in scope.metrics]
    return {metric.name: metric for metric in found}


class Telemetry(unittest.TestCase):
    def test_opentelemetry_reads_spans_and_metrics(self):
        self.check(None, {})

    def test_compressed(self):
        self.check("gzip", {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"})

    def check(self, coding, env):
        collector = Collector()
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        cleanup(self, collector.server_close)
        cleanup(self, collector.shutdown)
        env = env | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_address[1]}",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
        }
        program = start(self, "dev", CONFIG, env=env)
        self.assertEqual(request(program.gateway, "GET", "/web/a").status, 200)
        requests = collector.wait_for("/v1/traces", ExportTraceServiceRequest, lambda found: len(spans_of(found)) >= 2)
        resource = {pair.key: pair.value.string_value for pair in requests[0].resource_spans[0].resource.attributes}
        self.assertEqual(resource["service.name"], "lambridge")
        self.assertEqual(resource["deployment.environment.name"], "test")
        server, call = spans_of(requests)
        self.assertEqual((server.kind, call.kind), (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT))
        self.assertEqual((server.name, call.name), ("GET /web/{name}", "Lambda.Invoke"))
        self.assertEqual((len(server.trace_id), len(server.span_id)), (16, 8))
        self.assertEqual((call.trace_id, call.parent_span_id), (server.trace_id, server.span_id))
        self.assertEqual(server.status.code, Status.STATUS_CODE_UNSET)
        says = {pair.key: pair.value for pair in [*server.attributes, *call.attributes]}
        self.assertEqual(says["http.response.status_code"].int_value, 200)
        self.assertTrue(says["faas.coldstart"].bool_value)
        self.assertTrue(says["aws.request_id"].string_value)

        def counted(found):
            metric = metrics_of(found).get("lambridge_requests_total")
            return metric is not None and len(metric.sum.data_points) > 0

        metrics = metrics_of(collector.wait_for("/v1/metrics", ExportMetricsServiceRequest, counted))
        total = metrics["lambridge_requests_total"].sum
        self.assertEqual(total.aggregation_temporality, AGGREGATION_TEMPORALITY_CUMULATIVE)
        self.assertTrue(total.is_monotonic)
        self.assertEqual(total.data_points[0].as_int, 1)
        took = metrics["lambridge_request_duration_seconds"].histogram.data_points[0]
        self.assertEqual((took.count, sum(took.bucket_counts)), (1, 1))
        self.assertEqual(len(took.bucket_counts), len(took.explicit_bounds) + 1)
        self.assertEqual(metrics["lambridge_request_duration_seconds"].unit, "s")
        self.assertTrue(metrics["lambridge_connections"].HasField("gauge"))
        self.assertEqual(collector.codings, {coding})


class RealCollector(unittest.TestCase):
    def test_it_takes_spans_and_metrics_over_http(self):
        self.takes("http", {"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_METRIC_EXPORT_INTERVAL": "200"})

    def test_it_takes_spans_and_metrics_over_grpc(self):
        env = {"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_METRIC_EXPORT_INTERVAL": "200"}
        self.takes("grpc", env | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})

    def test_it_takes_what_is_compressed(self):
        env = {"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_METRIC_EXPORT_INTERVAL": "200"}
        env |= {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}
        for protocol, word in [("http", "http/protobuf"), ("grpc", "grpc")]:
            with self.subTest(protocol):
                self.takes(protocol, env | {"OTEL_EXPORTER_OTLP_PROTOCOL": word})

    def test_it_is_told_the_rest_at_the_end(self):
        env = {"OTEL_BSP_SCHEDULE_DELAY": "3600000", "OTEL_METRIC_EXPORT_INTERVAL": "3600000"}
        self.takes("grpc", env | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, at_the_end=True)

    def test_it_takes_spans_and_metrics_over_tls(self):
        if shutil.which("openssl") is None:
            self.skipTest("openssl, which makes the certificate, is not installed")
        env = {"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_METRIC_EXPORT_INTERVAL": "200"}
        self.takes("grpc", env | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, tls=True)

    def takes(self, protocol, env, at_the_end=False, tls=False):
        binary = os.environ.get("OTELCOL")
        if binary is None:
            self.skipTest("OTELCOL names no OpenTelemetry collector; `cargo xtask test` builds one where there is Go")
        port = free_port()
        folder = tempfile.mkdtemp(prefix="lambridge-")
        cleanup(self, shutil.rmtree, folder, True)
        config = pathlib.Path(folder, "collector.yaml")
        own = ""
        if tls:
            key, certificate = f"{folder}/key.pem", f"{folder}/certificate.pem"
            made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2"]
            names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
            subprocess.run(["openssl", *made, *names], check=True, capture_output=True, timeout=DEADLINE)
            own = f", tls: {{ cert_file: {certificate}, key_file: {key} }}"
            env = env | {"SSL_CERT_FILE": certificate}
        config.write_text(
            f"""
receivers: {{ otlp: {{ protocols: {{ {protocol}: {{ endpoint: "127.0.0.1:{port}"{own} }} }} }} }}
exporters: {{ debug: {{ verbosity: detailed }} }}
service:
  telemetry: {{ metrics: {{ level: none }} }}
  pipelines:
    traces: {{ receivers: [otlp], exporters: [debug] }}
    metrics: {{ receivers: [otlp], exporters: [debug] }}
"""
        )
        collector = subprocess.Popen(
            [binary, "--config", str(config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        cleanup(self, collector.stdout.close)
        cleanup(self, collector.wait)
        cleanup(self, collector.kill)
        timer = threading.Timer(DEADLINE * 2, collector.kill)
        timer.start()
        cleanup(self, timer.cancel)

        def said(*wanted):
            missing, seen = set(wanted), []
            for line in collector.stdout:
                seen.append(line)
                missing = {word for word in missing if word not in line}
                if not missing:
                    return
            self.fail(f"the collector never said {missing}:\n{''.join(seen)[-4000:]}")

        said("Everything is ready")
        env = env | {"OTEL_EXPORTER_OTLP_ENDPOINT": f"{'https' if tls else 'http'}://127.0.0.1:{port}"}
        program = start(self, "dev", CONFIG, env=env)
        self.assertEqual(request(program.gateway, "GET", "/web/a").status, 200)
        if at_the_end:
            self.assertEqual(program.stop(), 0)
        said("Lambda.Invoke", "GET /web/{name}", "http.response.status_code: Int(200)", "lambridge_requests_total")


if __name__ == "__main__":
    unittest.main()
