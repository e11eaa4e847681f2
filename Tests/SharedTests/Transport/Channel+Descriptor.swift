import NIOCore
import Testing

extension Channel {
    /// The channel's socket, by SwiftNIO's own way to it. Must be called on the channel's event loop.
    ///
    /// - Throws: when the channel is not one of a socket, or is closed.
    func descriptor() throws -> CInt {
        try #require(try pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) { $0 })
    }
}
