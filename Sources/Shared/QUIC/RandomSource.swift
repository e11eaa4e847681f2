/// Where the QUIC layer gets its random bytes: connection IDs, path challenges, tokens.
///
/// Passed in, so that tests repeat exactly. Confined to one event loop.
package final class RandomSource {
    private var generator: any RandomNumberGenerator

    package init(_ generator: any RandomNumberGenerator) {
        self.generator = generator
    }

    /// Overwrites every byte of `bytes`.
    package func fill(_ bytes: UnsafeMutableRawBufferPointer) {
        var offset = 0
        while offset < bytes.count {
            withUnsafeBytes(of: generator.next() as UInt64) { word in
                let count = min(word.count, bytes.count - offset)
                let part = UnsafeRawBufferPointer(rebasing: word.prefix(count))
                UnsafeMutableRawBufferPointer(rebasing: bytes[offset...]).copyMemory(from: part)
                offset += count
            }
        }
    }

    /// - Parameter count: how many bytes, at least 0.
    package func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBytes { fill($0) }
        return bytes
    }

    func connectionID() -> QUICConnectionID {
        guard let id = QUICConnectionID(bytes(QUICConnectionID.issuedLength)) else {
            preconditionFailure("an issued connection ID is longer than QUIC allows")
        }
        return id
    }
}

@available(*, unavailable)
extension RandomSource: Sendable {}
