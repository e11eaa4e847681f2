import Hummingbird
import NIOCore
import Shared
import Testing

@testable import Listener

@Suite("StatusReport")
struct StatusReportTests {
    private func body(_ value: some Encodable) throws -> String {
        String(buffer: try Response.jsonBytes(value))
    }

    private func status(
        _ port: UInt16,
        uid: String = "alice",
        problem: ForwardError? = nil,
        measured: (ForwardMeter) -> Void = { _ in }
    ) throws -> ForwardStatus {
        let meter = ForwardMeter()
        measured(meter)
        let target = try TargetAddress(host: "db.example", port: 5432)
        let forward = Forward(port: ForwardPort(port), uid: try ClientUID(uid), target: target)
        return ForwardStatus(forward: forward, problem: problem, reading: meter.reading)
    }

    private func busy(_ meter: ForwardMeter) {
        meter.relayOpened()
        meter.carried(toTarget: 10)
        meter.carried(fromTarget: 20)
        meter.dialFailed(status: .timedOut, detail: "no \"answer\"\n", at: 1_763_707_423_004)
    }

    @Test func listShowsAForwardWithItsSession() throws {
        let report = StatusReport(
            forwards: [try status(8022, measured: busy)],
            sessions: [try .sample(), try .sample(uid: "bob")]
        )
        #expect(
            try body(report.list) == #"""
                [{"bytes_from_target":20,"bytes_to_target":10,"connect_address":"db.example","connect_port":5432,\#
                "error":null,\#
                "last_dial_error":{"at":"2025-11-21T06:43:43.004Z","detail":"no \"answer\"�","reason":"timed_out"},\#
                "listening":true,"open_relays":1,"port":8022,\#
                "session":{"draining":false,"id":"0a1b","protocol":"warp/1","remote":"192.0.2.1:40000",\#
                "rtt_ms":12.345,"since":"2025-11-21T06:43:43.004Z","software":"socket-warp 2.0"},\#
                "session_up":true,"uid":"alice"}]
                """#
        )
    }

    @Test func listShowsAForwardWithoutSessionOrSocket() throws {
        let report = StatusReport(
            forwards: [try status(8022, problem: .portInUse(ForwardPort(8022), cause: "Address already in use"))],
            sessions: [try .sample(uid: "bob")]
        )
        #expect(
            try body(report.list) == #"""
                [{"bytes_from_target":0,"bytes_to_target":0,"connect_address":"db.example","connect_port":5432,\#
                "error":"Failed to create TcpListener: port 8022: Address already in use",\#
                "last_dial_error":null,"listening":false,"open_relays":0,"port":8022,\#
                "session":null,"session_up":false,"uid":"alice"}]
                """#
        )
    }

    @Test func drainingSessionIsNotUpAndItsSuccessorIsShownInItsPlace() throws {
        let draining = try SessionStatus.sample(id: "old", isDraining: true)
        let alone = StatusReport(forwards: [try status(1)], sessions: [draining])
        #expect(try body(alone.list).contains(#""draining":true,"id":"old""#))
        #expect(try body(alone.list).contains(#""session_up":false"#))

        let next = try SessionStatus.sample(id: "new", since: draining.since + 1)
        for sessions in [[next, draining], [draining, next]] {
            let both = StatusReport(forwards: [try status(1)], sessions: sessions)
            #expect(try body(both.list).contains(#""draining":false,"id":"new""#))
            #expect(try body(both.list).contains(#""session_up":true"#))
        }
    }

    @Test func sessionsShowEverythingByUIDAndForwardsByPort() throws {
        let original = try SessionStatus.sample(uid: "bob", software: nil, roundTrip: nil, isDraining: true)
        let report = StatusReport(
            forwards: [try status(1), try status(2, measured: busy), try status(3, uid: "carol")],
            sessions: [original, try .sample()]
        )
        #expect(
            try body(report.sessionList) == #"""
                [{"bytes_from_targets":18446744073709551615,"bytes_to_targets":5,"draining":false,\#
                "forwards":[{"bytes_from_target":0,"bytes_to_target":0,\#
                "connect_address":"db.example","connect_port":5432,"error":null,"last_dial_error":null,\#
                "listening":true,"open_relays":0,"port":1},\#
                {"bytes_from_target":20,"bytes_to_target":10,\#
                "connect_address":"db.example","connect_port":5432,"error":null,\#
                "last_dial_error":{"at":"2025-11-21T06:43:43.004Z","detail":"no \"answer\"�","reason":"timed_out"},\#
                "listening":true,"open_relays":1,"port":2}],\#
                "id":"0a1b","open_relays":3,"protocol":"warp/1","remote":"192.0.2.1:40000","rtt_ms":12.345,\#
                "since":"2025-11-21T06:43:43.004Z","software":"socket-warp 2.0","uid":"alice","waiting_visitors":4},\#
                {"bytes_from_targets":18446744073709551615,"bytes_to_targets":5,"draining":true,"forwards":[],\#
                "id":"0a1b","open_relays":3,"protocol":"warp/1","remote":"192.0.2.1:40000","rtt_ms":null,\#
                "since":"2025-11-21T06:43:43.004Z","software":null,"uid":"bob","waiting_visitors":4}]
                """#
        )
        #expect(try body(StatusReport(forwards: [], sessions: []).sessionList) == "[]")
    }

    @Test func softwareOfAStrangerIsOneBoundedLine() throws {
        let hostile = "x\u{2028}\u{0}\"</script>" + String(repeating: "y", count: 100)
        let report = StatusReport(forwards: [], sessions: [try .sample(software: hostile)])
        let tail = String(repeating: "y", count: 64 - 3 - 3 - 3 - 11)
        #expect(try body(report.sessionList).contains(#""software":"x��\"</script>"# + tail + #"…""#))
    }

    @Test(arguments: [
        (0, "0"), (999, "0"), (1000, "0.001"), (25_000_000, "25"), (1_234_567_891, "1234.567"),
    ])
    func roundTripIsInMillisecondsWithDecimals(nanoseconds: Int64, text: String) throws {
        let session = try SessionStatus.sample(roundTrip: .nanoseconds(nanoseconds))
        let report = StatusReport(forwards: [], sessions: [session])
        #expect(try body(report.sessionList).contains(#""rtt_ms":\#(text),"#))
    }

    @Test func dialFailureWithoutDetailsIsExplainedByItsStatus() throws {
        let forward = try status(1) { $0.dialFailed(status: .refused, detail: "", at: 0) }
        let report = StatusReport(forwards: [forward], sessions: [])
        #expect(
            try body(report.list).contains(
                #"{"at":"1970-01-01T00:00:00.000Z","detail":"\#(RelayStatus.refused.words)","reason":"refused"}"#
            )
        )
    }
}
