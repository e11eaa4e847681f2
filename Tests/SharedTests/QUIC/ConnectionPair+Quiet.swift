import NIOCore
import Shared
import TestSupport

extension ConnectionPair {
    /// A pair that has nothing to say any more, and a stream between its ends that the client has opened.
    ///
    /// - Parameter configuration: nil = both ends trust each other, and have the usual settings.
    static func quiet(_ configuration: Configuration? = nil) throws -> (pair: ConnectionPair, stream: QUICStreamID) {
        let pair = try ConnectionPair(try configuration ?? .trusting())
        try pair.completeHandshake()
        let stream = try pair.client.connection.openStream()
        pair.client.connection.send(ByteBuffer(string: "x"), finish: false, on: stream)
        try pair.advance(by: .seconds(5))
        return (pair, stream)
    }

    /// Has the client send a few bytes.
    ///
    /// - Returns: its datagrams, for the test to deliver.
    func clientMessage(on stream: QUICStreamID) -> [[UInt8]] {
        client.connection.send(ByteBuffer(string: "message"), finish: false, on: stream)
        return client.write(now: now)
    }
}
