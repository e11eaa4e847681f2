import Foundation

/// A target that serves each connection on a thread of its own with the same handler, until it goes.
package final class TargetServer: Sendable {
    package var endpoint: HostPort { acceptor.endpoint }
    private let acceptor: TCPAcceptor
    private let stopped: Monitor<Bool>

    /// - Parameter handle: serves one connection; what it throws ends only that connection.
    package init(on endpoint: HostPort = HostPort(port: 0), handle: @escaping @Sendable (TCPPeer) throws -> Void) throws
    {
        let acceptor = try TCPAcceptor(on: endpoint)
        let stopped = Monitor(false)
        self.acceptor = acceptor
        self.stopped = stopped
        Thread { Self.serve(acceptor, until: stopped, handle: handle) }.start()
        TestLifetime.keep(self)
    }

    deinit {
        stop()
    }

    /// A target that sends bytes without end to whoever connects, as fast as they are taken.
    package static func endlessSource() throws -> TargetServer {
        try TargetServer { peer in
            // A visitor that stalls holds the send up for as long as the test runs; the reset at its end releases it.
            try peer.sendUntilReset(timeout: .seconds(600))
        }
    }

    /// Accepts no more; connections being served go on.
    package func stop() {
        stopped.withLock { $0 = true }
    }

    private static func serve(
        _ acceptor: TCPAcceptor,
        until stopped: Monitor<Bool>,
        handle: @escaping @Sendable (TCPPeer) throws -> Void
    ) {
        while !stopped.withLock({ $0 }) {
            // Short turns, so that a stop is noticed: an accept that timed out is simply tried again.
            guard let peer = try? acceptor.accept(timeout: .milliseconds(100)) else { continue }
            Thread {
                // The peer's misbehaviour is the test's matter, which sees it at its own end.
                try? handle(peer)
                peer.close()
            }.start()
        }
        acceptor.close()
    }
}
