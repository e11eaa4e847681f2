import Foundation

/// A target that sends every byte back, for thousands of connections on one thread. A FIN is answered with a FIN once
/// all has been sent back. While a peer does not take its bytes, nothing more is read from it.
package final class EchoServer: Sendable {
    package let endpoint: HostPort
    private let stopped: Monitor<Bool>

    /// - Parameter endpoint: a numeric address; port 0 takes any free one.
    package init(on endpoint: HostPort = HostPort(port: 0)) throws {
        let acceptor = try TCPAcceptor(on: endpoint)
        let stopped = Monitor(false)
        self.endpoint = acceptor.endpoint
        self.stopped = stopped
        Thread {
            var loop = EchoLoop(acceptor: acceptor)
            loop.run(until: stopped)
        }.start()
        TestLifetime.keep(self)
    }

    deinit {
        stopped.withLock { $0 = true }
    }
}
