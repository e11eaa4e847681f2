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
        gate.read(by: home, now: start, isUsing: true, probeTimeout: .zero)
    }

    @Test mutating func thePathThatWasLeftIsClosedForAWhile() {
        move(to: away, at: start)
        #expect(!gate.admits(home, isUsing: false))
        gate.wrote(now: start + .nanoseconds(9_999_999_999))
        #expect(!gate.admits(home, isUsing: false))
        gate.wrote(now: start + .seconds(10))
        #expect(gate.admits(home, isUsing: false))
    }

    @Test mutating func itIsClosedLongerWhereTheRoundTripIsLong() {
        gate.read(by: away, now: start, isUsing: true, probeTimeout: .seconds(2))
        gate.wrote(now: start + .nanoseconds(17_999_999_999))
        #expect(!gate.admits(home, isUsing: false))
        gate.wrote(now: start + .seconds(18))
        #expect(gate.admits(home, isUsing: false))
    }

    @Test mutating func itIsOpenWhenTheConnectionHasReturnedByItself() {
        move(to: away, at: start)
        #expect(gate.admits(away, isUsing: true))
        #expect(gate.admits(home, isUsing: true))
        move(to: home, at: start + .seconds(3))
        #expect(!gate.admits(away, isUsing: false))
    }

    @Test mutating func aThirdPathIsOpenAndClosesBothForAllOfItsTime() throws {
        move(to: away, at: start)
        let third = try Self.path(port: 3)
        let later = start + .seconds(5)
        #expect(gate.admits(third, isUsing: false))
        move(to: third, at: later)
        gate.wrote(now: later + .nanoseconds(9_999_999_999))
        for path in [home, away] {
            #expect(!gate.admits(path, isUsing: false))
        }
        gate.wrote(now: later + .seconds(10))
        for path in [home, away] {
            #expect(gate.admits(path, isUsing: false))
        }
    }

    @Test mutating func afterEightMovesAClientStaysWhereItIs() throws {
        for port in 2...9 {
            let path = try Self.path(port: port)
            #expect(gate.admits(path, isUsing: false))
            move(to: path, at: start)
        }
        let another = try Self.path(port: 10)
        #expect(!gate.admits(another, isUsing: false))
        #expect(gate.admits(try Self.path(port: 9), isUsing: true))
        gate.wrote(now: start + .seconds(10))
        #expect(gate.admits(another, isUsing: false))
        move(to: another, at: start + .seconds(10))
        #expect(gate.admits(try Self.path(port: 11), isUsing: false))
    }

    @Test mutating func whatIsNotUsedIsNoMove() {
        gate.read(by: away, now: start, isUsing: false, probeTimeout: .zero)
        #expect(gate.admits(home, isUsing: true))
        #expect(gate.admits(away, isUsing: false))
    }

    @Test mutating func anotherObjectWithTheSameAddressesIsTheSamePath() throws {
        move(to: try Self.path(port: 1), at: start)
        #expect(gate.admits(home, isUsing: true))
        move(to: away, at: start)
        #expect(!gate.admits(try Self.path(port: 1), isUsing: false))
    }

    private mutating func move(to path: NetworkPath, at now: QUICTime) {
        gate.read(by: path, now: now, isUsing: true, probeTimeout: .zero)
    }

    private static func path(port: Int) throws -> NetworkPath {
        NetworkPath(
            local: try SocketAddress(ipAddress: "127.0.0.1", port: 11_443),
            remote: try SocketAddress(ipAddress: "127.0.0.2", port: port)
        )
    }
}
