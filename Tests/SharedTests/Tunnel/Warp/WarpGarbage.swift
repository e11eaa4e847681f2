import NIOCore
import TestSupport

/// What a peer may send that is broken or bent on mischief: random bytes, random members in sound frames, and valid
/// messages with damage. The same for the same seed.
struct WarpGarbage {
    private var generator: SplitMix64
    private let samples: [[UInt8]]

    /// - Parameter samples: the wire form of valid messages.
    init(seed: UInt64, samples: [ByteBuffer]) {
        generator = SplitMix64(state: seed)
        self.samples = samples.map { Array(buffer: $0) }
    }

    mutating func next() -> ByteBuffer {
        switch below(8) {
        case 0: ByteBuffer(bytes: random(count: below(48)))
        case 1, 2: ByteBuffer(bytes: frame())
        case 3: ByteBuffer(bytes: sample().prefix(below(64)))
        case 4: ByteBuffer(bytes: sample() + sample())
        default: ByteBuffer(bytes: damagedSample())
        }
    }

    private mutating func frame() -> [UInt8] {
        var payload: [UInt8] = []
        for _ in 0..<below(6) {
            let count = below(3) == 0 ? 16 : below(5)
            payload += [UInt8(below(8)), UInt8(count)] + random(count: count)
        }
        return [UInt8(below(12)), UInt8(0x40 | payload.count >> 8), UInt8(payload.count & 0xff)] + payload
    }

    private mutating func damagedSample() -> [UInt8] {
        var bytes = sample()
        for _ in 0...below(3) where !bytes.isEmpty {
            let index = below(min(bytes.count, 48))
            switch below(4) {
            case 0: bytes[index] = UInt8(below(256))
            case 1: bytes[index] ^= 1 << UInt8(below(8))
            case 2: bytes.remove(at: index)
            default: bytes.insert(UInt8(below(256)), at: index)
            }
        }
        return bytes
    }

    private mutating func sample() -> [UInt8] {
        samples[below(samples.count)]
    }

    private mutating func random(count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count {
            withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) }
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    private mutating func below(_ bound: Int) -> Int {
        Int(truncatingIfNeeded: generator.next() % UInt64(bound))
    }
}
