internal import CQuic

/// A connection ID (RFC 9000 §5.1): 0 to 20 bytes that name a connection to one of its ends.
package struct QUICConnectionID: Hashable, Sendable, CustomStringConvertible {
    /// The longest connection ID of QUIC version 1, in bytes (RFC 9000 §17.2).
    package static let maximumLength = 20

    /// The length of the IDs that this implementation issues, in bytes: 64 random bits cannot be guessed while a
    /// connection lives, and each costs a byte of every packet.
    package static let issuedLength = 8

    // Left-aligned, zero-padded: comparing and hashing are three integer operations, on every packet.
    private let high: UInt64
    private let middle: UInt64
    private let low: UInt32
    private let length: UInt8

    /// - Parameter bytes: 0 to 20 bytes.
    /// - Returns: nil when there are more.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= Self.maximumLength else { return nil }
        self.init(bounded: bytes)
    }

    /// - Parameter bytes: 0 to 20 bytes.
    /// - Returns: nil when there are more.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.maximumLength else { return nil }
        self = bytes.withUnsafeBytes { Self(bounded: $0) }
    }

    init(_ cid: UnsafePointer<ngtcp2_cid>) {
        let data = UnsafeRawPointer(cid) + cidDataOffset
        self.init(bounded: UnsafeRawBufferPointer(start: data, count: min(cid.pointee.datalen, Self.maximumLength)))
    }

    private init(bounded bytes: UnsafeRawBufferPointer) {
        var words: (UInt64, UInt64, UInt32) = (0, 0, 0)
        withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: bytes) }
        high = words.0
        middle = words.1
        low = words.2
        length = UInt8(bytes.count)
    }

    /// The number of bytes, 0 to 20.
    package var count: Int { Int(length) }

    /// The bytes, copied.
    package var bytes: [UInt8] {
        withWords { Array($0) }
    }

    package var description: String {
        bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    }

    func withNGTCP2<Result>(_ body: (UnsafePointer<ngtcp2_cid>) -> Result) -> Result {
        var cid = ngtcp2_cid()
        withWords { ngtcp2_cid_init(&cid, $0.bindMemory(to: UInt8.self).baseAddress, $0.count) }
        return body(&cid)
    }

    private func withWords<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let words = (high, middle, low)
        return withUnsafeBytes(of: words) { body(UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
    }
}

private let cidDataOffset = MemoryLayout<ngtcp2_cid>.offset(of: \.data) ?? MemoryLayout<Int>.size
