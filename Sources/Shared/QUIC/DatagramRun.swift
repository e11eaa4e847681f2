/// A run of datagrams by one path, all of one size but for the last: what one `recvmsg` with UDP_GRO gives, or one
/// `sendmsg` with UDP_SEGMENT takes.
///
/// Borrowed: valid only as long as the bytes that it was made of.
package struct DatagramRun {
    /// The datagrams, one behind the other.
    private var bytes: UnsafeRawBufferPointer
    /// The size of each datagram in bytes; the last one may be shorter.
    private let segmentBytes: Int

    /// - Parameter segmentBytes: the size of each datagram but the last, at least 1 byte where there is any.
    package init(_ bytes: UnsafeRawBufferPointer, segmentBytes: Int) {
        precondition(segmentBytes > 0 || bytes.isEmpty, "datagrams without an end")
        self.bytes = bytes
        self.segmentBytes = segmentBytes
    }

    /// One datagram alone.
    package init(_ datagram: UnsafeRawBufferPointer) {
        self.init(datagram, segmentBytes: datagram.count)
    }

    package var isEmpty: Bool { bytes.isEmpty }

    /// The first datagram; empty when there is none.
    package var first: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes.prefix(segmentBytes))
    }

    /// Takes the first datagram out, together with those behind it that are for the same connection for sure: what is true
    /// of the first one's connection ID need not be asked again for each.
    package mutating func takeThoseOfOneConnection() -> DatagramRun {
        let id = Self.issuedID(of: first)
        var end = 0
        for datagram in self {
            guard end == 0 || (id != nil && Self.issuedID(of: datagram) == id) else { break }
            end += datagram.count
        }
        let taken = DatagramRun(UnsafeRawBufferPointer(rebasing: bytes[..<end]), segmentBytes: segmentBytes)
        bytes = UnsafeRawBufferPointer(rebasing: bytes[end...])
        return taken
    }

    /// The connection ID in a short header (RFC 9000 §17.3.1).
    ///
    /// ```
    ///  0XXXXXXX  connection ID, 8 bytes: as long as those that we issue  …
    /// ```
    /// - Returns: nil for a long header, whose ID has any length, and for less than a short header.
    private static func issuedID(of datagram: UnsafeRawBufferPointer) -> UInt64? {
        guard datagram.count > QUICConnectionID.issuedLength, datagram[0] & 0x80 == 0 else { return nil }
        return datagram.loadUnaligned(fromByteOffset: 1, as: UInt64.self)
    }
}

extension DatagramRun: Sequence {
    package struct Iterator: IteratorProtocol {
        fileprivate var rest: DatagramRun

        package mutating func next() -> UnsafeRawBufferPointer? {
            guard !rest.isEmpty else { return nil }
            let first = rest.first
            rest.bytes = UnsafeRawBufferPointer(rebasing: rest.bytes[first.count...])
            return first
        }
    }

    package func makeIterator() -> Iterator { Iterator(rest: self) }
}

@available(*, unavailable)
extension DatagramRun: Sendable {}
