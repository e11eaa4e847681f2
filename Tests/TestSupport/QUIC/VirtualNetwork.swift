internal import NIOCore
package import Shared

/// The way between two ends in virtual time: it delays, loses, repeats and reorders datagrams, the same ones again for
/// the same seed.
package struct VirtualNetwork {
    /// A datagram on its way.
    private struct InFlight {
        let arrival: QUICTime
        let receiver: ConnectionSide
        let bytes: [UInt8]
    }

    package var conditions: NetworkConditions
    /// The ends whose datagrams are all lost.
    package var silenced: Set<ConnectionSide> = []
    /// Changes a datagram under way; nil = loses it.
    package var tamper: ((_ bytes: [UInt8], _ sender: ConnectionSide) -> [UInt8]?)?
    /// The bytes that each end has sent, whatever became of them.
    package private(set) var sentBytes: [ConnectionSide: Int] = [:]
    /// The bytes that have arrived at each end.
    package private(set) var arrivedBytes: [ConnectionSide: Int] = [:]

    private var generator: SplitMix64
    // In the order of arrival, the next one last.
    private var inFlight: [InFlight] = []

    package init(conditions: NetworkConditions, seed: UInt64) {
        self.conditions = conditions
        generator = SplitMix64(state: seed)
    }

    /// When the next datagram arrives; nil = none is on its way.
    package var nextArrival: QUICTime? { inFlight.last?.arrival }

    /// Takes a datagram from one end.
    package mutating func send(_ datagram: [UInt8], from sender: ConnectionSide, now: QUICTime) {
        sentBytes[sender, default: 0] += datagram.count
        guard !silenced.contains(sender), !happens(conditions.lossPercent) else { return }
        var bytes = datagram
        if let tamper {
            guard let changed = tamper(datagram, sender) else { return }
            bytes = changed
        }
        enqueue(bytes, for: sender.other, now: now)
        if happens(conditions.duplicationPercent) {
            enqueue(bytes, for: sender.other, now: now)
        }
    }

    /// Takes out the next datagram that has arrived by `now`.
    package mutating func receive(by now: QUICTime) -> (bytes: [UInt8], receiver: ConnectionSide)? {
        guard let next = inFlight.last, next.arrival <= now else { return nil }
        inFlight.removeLast()
        arrivedBytes[next.receiver, default: 0] += next.bytes.count
        return (next.bytes, next.receiver)
    }

    private mutating func enqueue(_ bytes: [UInt8], for receiver: ConnectionSide, now: QUICTime) {
        var arrival = now + conditions.delay
        if happens(conditions.reorderingPercent) {
            let most = UInt64(max(1, conditions.reorderingDelay.nanoseconds))
            arrival = arrival + .nanoseconds(Int64(generator.next(upperBound: most)))
        }
        // Behind everything that arrives at the same instant.
        let index = inFlight.lastIndex { $0.arrival > arrival }.map { $0 + 1 } ?? 0
        inFlight.insert(InFlight(arrival: arrival, receiver: receiver, bytes: bytes), at: index)
    }

    private mutating func happens(_ percent: Int) -> Bool {
        percent > 0 && generator.next(upperBound: UInt64(100)) < UInt64(percent)
    }
}
