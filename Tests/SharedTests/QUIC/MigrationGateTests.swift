import NIOCore
import Testing

@testable import Shared

struct MigrationGateTests {
    private let home: NetworkPath
    private let away: NetworkPath
    private let start = QUICTime(nanoseconds: 1_000_000_000)
    private var gate = MigrationGate()

    init() throws {
        home = try Self.path(port: 1)
        away = try Self.path(port: 2)
        gate.stayed(on: home)
    }

    @Test mutating func onlyAnOpenGateKnowsThePathInUse() {
        #expect(gate.isSettled(on: home))
        #expect(!gate.isSettled(on: away))
        gate.moved(to: away, now: start)
        gate.stayed(on: away)
        #expect(!gate.isSettled(on: away))
        open(at: start + .seconds(20), using: away)
        #expect(!gate.isSettled(on: away), "the connection may have returned")
        gate.stayed(on: away)
        #expect(gate.isSettled(on: away))
    }

    @Test mutating func thePathThatWasLeftIsClosedForAWhile() {
        #expect(gate.admits(away))
        gate.moved(to: away, now: start)
        open(at: start + .nanoseconds(19_999_999_999), using: away)
        #expect(!gate.admits(home))
        open(at: start + .seconds(20), using: away)
        #expect(gate.admits(home))
    }

    @Test mutating func theLongestProbeTimeoutCounts() {
        gate.reckon(probeTimeout: .seconds(2))
        gate.moved(to: away, now: start)
        gate.reckon(probeTimeout: .seconds(3))
        gate.reckon(probeTimeout: .milliseconds(30))
        open(at: start + .nanoseconds(59_999_999_999), using: away)
        #expect(!gate.admits(home))
        open(at: start + .seconds(60), using: away)
        #expect(gate.admits(home))
        gate.moved(to: home, now: start + .seconds(60))
        open(at: start + .seconds(80), using: home)
        #expect(gate.admits(away))
    }

    @Test mutating func aProbeTimeoutWithoutEndIsBounded() {
        gate.reckon(probeTimeout: .nanoseconds(.max))
        gate.moved(to: away, now: start)
        open(at: start + .hours(24 * 20 - 1), using: away)
        #expect(!gate.admits(home))
    }

    @Test mutating func noPathIsOpenedByAnotherMove() throws {
        gate.moved(to: away, now: start)
        let third = try Self.path(port: 3)
        let later = start + .seconds(15)
        #expect(gate.admits(third))
        gate.moved(to: third, now: later)
        open(at: later + .nanoseconds(19_999_999_999), using: third)
        for path in [home, away] {
            #expect(!gate.admits(path))
        }
        open(at: later + .seconds(20), using: third)
        for path in [home, away] {
            #expect(gate.admits(path))
        }
    }

    @Test mutating func aClientThatWasTakenBackDoesNotMoveAgainToWhatFailed() {
        gate.moved(to: away, now: start)
        // ngtcp2 has returned to the first path by itself; nothing has come by it since.
        #expect(!gate.admits(away))
        open(at: start + .seconds(20), using: home)
        #expect(gate.admits(away))
        gate.moved(to: away, now: start + .seconds(21))
        #expect(!gate.admits(home), "it may return there once more")
    }

    @Test mutating func afterEightMovesAClientStaysWhereItIs() throws {
        for port in 2...9 {
            let path = try Self.path(port: port)
            #expect(gate.admits(path))
            gate.moved(to: path, now: start)
        }
        let another = try Self.path(port: 10)
        #expect(!gate.admits(another))
        open(at: start + .seconds(20), using: try Self.path(port: 9))
        #expect(gate.admits(another))
        gate.moved(to: another, now: start + .seconds(20))
        #expect(gate.admits(try Self.path(port: 11)))
    }

    @Test mutating func anotherObjectWithTheSameAddressesIsTheSamePath() throws {
        gate.moved(to: away, now: start)
        #expect(!gate.admits(try Self.path(port: 1)))
        #expect(!gate.admits(try Self.path(port: 2)))
    }

    private mutating func open(at now: QUICTime, using path: NetworkPath) {
        gate.wrote(now: now) { $0.hasAddresses(of: path) }
    }

    private static func path(port: Int) throws -> NetworkPath {
        NetworkPath(
            local: try SocketAddress(ipAddress: "127.0.0.1", port: 11_443),
            remote: try SocketAddress(ipAddress: "127.0.0.2", port: port)
        )
    }
}
