import Glibc
import Logging
import NIOCore
import NIOPosix
import Shared
import TestSupport

@testable import Listener

/// A forward table on loopback for tests, with one client that is connected: `alice`.
struct ForwardFixture: Sendable {
    /// The cause that the system gives for a port of another program.
    static let addressInUse = "Address already in use (os error 98)"

    /// Short: every test that waits for an attempt waits for this.
    private static let retryInterval = Duration.milliseconds(10)

    let table: ForwardTable
    let visitors: AdoptedVisitors
    let stored: StoredForwards

    init(
        onForwardClosed: AdoptedVisitors.OnForwardClosed = .close,
        bindAddress: String = "127.0.0.1",
        visitorGrace: TimeAmount = .seconds(2),
        stored: StoredForwards = StoredForwards(),
        recorder: LogRecorder = LogRecorder()
    ) throws {
        self.stored = stored
        let alice = try ClientUID("alice")
        let visitors = AdoptedVisitors(onForwardClosed: onForwardClosed)
        self.visitors = visitors
        table = ForwardTable(
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            bindAddress: try SocketAddress(ipAddress: bindAddress, port: 0),
            isSessionLive: { $0 == alice },
            adoptVisitor: visitors.adopt,
            recorder: stored.recorder,
            visitorGrace: visitorGrace,
            retryInterval: Self.retryInterval,
            logger: recorder.logger()
        )
    }

    /// Binds a loopback port as another program would; tries for as long as ``openAgain(_:)``.
    static func foreignListener(on port: ForwardPort = .anyFree) async throws -> any Channel {
        while true {
            do {
                return try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .bind(host: "127.0.0.1", port: Int(port.number)).get()
            } catch let error as IOError where error.errnoCode == EADDRINUSE {
                await Task.yield()
            }
        }
    }

    /// What is listed, without how it fares.
    func forwards() async -> [Forward] {
        await table.list().map(\.forward)
    }

    /// A request to open a port to some target of `uid`.
    func request(_ port: ForwardPort = .anyFree, uid: String = "alice") throws -> Forward {
        Forward(port: port, uid: try ClientUID(uid), target: try TargetAddress(host: "::1", port: 80))
    }

    /// Opens a port that was in use a moment ago.
    ///
    /// Tries until it succeeds, for the suite's time limit: a process that another test spawns at this moment holds a copy
    /// of the old socket until it executes its program.
    func openAgain(_ forward: Forward) async throws -> Forward {
        while true {
            do throws(ForwardError) {
                return try await table.open(forward)
            } catch {
                guard error == .portInUse(forward.port, cause: Self.addressInUse) else {
                    throw error
                }
                await Task.yield()
            }
        }
    }

    /// Connects a visitor to an open port.
    func visit(_ port: ForwardPort, host: String = "127.0.0.1") async throws -> any Channel {
        try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(to: try SocketAddress(ipAddress: host, port: Int(port.number))).get()
    }
}
