import Shared
import Testing

@Suite("RelayStateMachine")
struct RelayStateMachineTests {
    /// Everything that can happen to a relay.
    enum Event: Hashable, Sendable, CaseIterable {
        case tcpFinish, tcpReset, streamFinish, wroteEverything, streamReset
        case stopped, stoppedByReset, closed, closedByReset, cut

        func apply(to machine: inout RelayStateMachine) -> RelayActions {
            switch self {
            case .tcpFinish: return machine.receivedTCPFinish()
            case .tcpReset: return machine.receivedTCPReset()
            case .streamFinish:
                machine.receivedStreamFinish()
                return []
            case .wroteEverything: return machine.wroteEverything()
            case .streamReset: return machine.receivedStreamReset()
            case .stopped: return machine.sendingWasStopped(wasReset: false)
            case .stoppedByReset: return machine.sendingWasStopped(wasReset: true)
            case .closed: return machine.streamClosed(wasReset: false)
            case .closedByReset: return machine.streamClosed(wasReset: true)
            case .cut: return machine.cut()
            }
        }
    }

    /// A row of the table: what each history leads to, and which actions its last event asks for.
    struct Row: Sendable, CustomTestStringConvertible {
        let events: [Event]
        let actions: RelayActions
        var mayRead = false
        var mayWrite = false
        var isOver = false

        var testDescription: String { events.map { "\($0)" }.joined(separator: ", ") }
    }

    static let rows = [
        Row(events: [.tcpFinish], actions: .finishStream, mayWrite: true),
        Row(events: [.tcpReset], actions: [.resetStream, .stopReceiving], isOver: true),
        Row(events: [.streamFinish], actions: [], mayRead: true),
        Row(events: [.wroteEverything], actions: [], mayRead: true, mayWrite: true),
        Row(events: [.streamReset], actions: [.resetStream, .abortChannel], isOver: true),
        Row(events: [.stopped], actions: [], mayWrite: true),
        Row(events: [.stoppedByReset], actions: [], mayWrite: true),
        Row(events: [.closed], actions: .abortChannel, isOver: true),
        Row(events: [.closedByReset], actions: .abortChannel, isOver: true),
        Row(events: [.cut], actions: [.resetStream, .stopReceiving, .abortChannel], isOver: true),

        // TCP said FIN first.
        Row(events: [.tcpFinish, .streamFinish], actions: []),
        Row(events: [.tcpFinish, .tcpReset], actions: [.resetStream, .stopReceiving], isOver: true),
        Row(events: [.tcpFinish, .streamReset], actions: [.resetStream, .abortChannel], isOver: true),
        Row(events: [.tcpFinish, .stopped], actions: [], mayWrite: true),
        Row(events: [.tcpFinish, .stoppedByReset], actions: [], mayWrite: true),
        Row(events: [.tcpFinish, .closed], actions: .abortChannel, isOver: true),
        Row(events: [.tcpFinish, .cut], actions: [.resetStream, .stopReceiving, .abortChannel], isOver: true),
        Row(events: [.tcpFinish, .streamFinish, .wroteEverything], actions: .closeChannel, isOver: true),
        Row(events: [.tcpFinish, .streamFinish, .cut], actions: [.resetStream, .abortChannel], isOver: true),
        Row(events: [.tcpFinish, .streamFinish, .closed], actions: []),
        Row(events: [.tcpFinish, .streamFinish, .closed, .wroteEverything], actions: .closeChannel, isOver: true),
        Row(
            events: [.tcpFinish, .streamFinish, .closedByReset, .wroteEverything],
            actions: .abortChannel,
            isOver: true
        ),
        Row(events: [.tcpFinish, .streamFinish, .wroteEverything, .closed], actions: [], isOver: true),
        Row(events: [.tcpFinish, .streamFinish, .streamReset], actions: [.resetStream, .abortChannel], isOver: true),

        // The stream ended first.
        Row(events: [.streamFinish, .wroteEverything], actions: .shutdownOutput, mayRead: true),
        Row(events: [.streamFinish, .tcpFinish], actions: .finishStream),
        Row(events: [.streamFinish, .tcpReset], actions: [.resetStream, .stopReceiving], isOver: true),
        Row(events: [.streamFinish, .streamReset], actions: [.resetStream, .abortChannel], isOver: true),
        Row(events: [.streamFinish, .wroteEverything, .tcpReset], actions: .resetStream, isOver: true),
        Row(
            events: [.streamFinish, .wroteEverything, .tcpFinish],
            actions: [.finishStream, .closeChannel],
            isOver: true
        ),
        Row(events: [.streamFinish, .wroteEverything, .streamReset], actions: [], mayRead: true),
        Row(events: [.streamFinish, .wroteEverything, .stopped], actions: .closeChannel, isOver: true),
        Row(events: [.streamFinish, .wroteEverything, .stoppedByReset], actions: .abortChannel, isOver: true),
        Row(events: [.streamFinish, .wroteEverything, .cut], actions: [.resetStream, .abortChannel], isOver: true),

        // The peer stopped reading first.
        Row(events: [.stopped, .streamFinish, .wroteEverything], actions: .closeChannel, isOver: true),
        Row(events: [.stoppedByReset, .streamFinish, .wroteEverything], actions: .abortChannel, isOver: true),
        Row(events: [.stopped, .streamReset], actions: .abortChannel, isOver: true),
        Row(events: [.stoppedByReset, .streamReset], actions: .abortChannel, isOver: true),
        Row(events: [.stopped, .tcpFinish], actions: [], mayWrite: true),
        Row(events: [.stopped, .tcpReset], actions: .stopReceiving, isOver: true),
        Row(events: [.stopped, .cut], actions: [.stopReceiving, .abortChannel], isOver: true),
    ]

    @Test(arguments: rows)
    func doesWhatTheTableSays(_ row: Row) {
        var machine = RelayStateMachine()
        var actions: RelayActions = []
        for event in row.events {
            actions = event.apply(to: &machine)
        }
        #expect(actions == row.actions)
        #expect(machine.mayRead == row.mayRead)
        #expect(machine.mayWrite == row.mayWrite)
        #expect(machine.isOver == row.isOver)
    }

    /// Every state that any history leads to, with one history that does.
    private static let reachable: [RelayStateMachine: [Event]] = {
        var found: [RelayStateMachine: [Event]] = [RelayStateMachine(): []]
        var open = [RelayStateMachine()]
        while let machine = open.popLast() {
            for event in Event.allCases {
                var next = machine
                _ = event.apply(to: &next)
                if found[next] == nil {
                    found[next] = (found[machine] ?? []) + [event]
                    open.append(next)
                }
            }
        }
        return found
    }()

    /// Calls `body` for each reachable state and event.
    private func forEachStep(
        _ body: (_ before: RelayStateMachine, _ event: Event, _ after: RelayStateMachine, RelayActions) -> Void
    ) {
        for machine in Self.reachable.keys {
            for event in Event.allCases {
                var after = machine
                let actions = event.apply(to: &after)
                body(machine, event, after, actions)
            }
        }
    }

    @Test func thereAreAFewStates() {
        #expect(Self.reachable.count > 8)
        #expect(Self.reachable.count <= 24)
    }

    @Test func whatIsOverStaysOver() {
        forEachStep { before, event, after, _ in
            guard before.isOver else { return }
            #expect(after.isOver, "\(event) after \(Self.reachable[before] ?? [])")
        }
    }

    @Test func nothingIsAskedForOnceItIsOver() {
        forEachStep { before, event, _, actions in
            guard before.isOver else { return }
            #expect(actions.isEmpty, "\(event) after \(Self.reachable[before] ?? [])")
        }
    }

    // When both ends have finished, our own close of the channel looks like a reset of it.
    @Test func closingTheChannelDoesNotTurnTheEndOfTheStreamIntoAReset() {
        var machine = RelayStateMachine()
        machine.receivedStreamFinish()
        let actions = [machine.wroteEverything(), machine.receivedTCPFinish(), machine.receivedTCPReset()]
        #expect(actions == [.shutdownOutput, [.finishStream, .closeChannel], []])
    }

    @Test func aHalfThatHasEndedNeverOpensAgain() {
        forEachStep { before, _, after, _ in
            #expect(before.mayRead || !after.mayRead)
            #expect(before.mayWrite || !after.mayWrite)
        }
    }

    @Test func theSameEventTwiceAsksForNothingMore() {
        forEachStep { _, event, after, _ in
            var again = after
            let actions = event.apply(to: &again)
            #expect(actions.isEmpty, "\(event) again after \(Self.reachable[after] ?? [])")
            #expect(again == after)
        }
    }

    @Test func theChannelIsReleasedAtMostOnceOnEveryWay() {
        struct Node: Hashable {
            let machine: RelayStateMachine
            let isReleased: Bool
        }
        let start = Node(machine: RelayStateMachine(), isReleased: false)
        var histories: [Node: [Event]] = [start: []]
        var open = [start]
        while let node = open.popLast() {
            for event in Event.allCases {
                var next = node.machine
                let actions = event.apply(to: &next)
                let history = (histories[node] ?? []) + [event]
                let releases = !actions.isDisjoint(with: [.closeChannel, .abortChannel])
                #expect(!(releases && node.isReleased), "\(history)")
                #expect(!actions.isSuperset(of: [.closeChannel, .abortChannel]), "\(history)")
                let after = Node(machine: next, isReleased: node.isReleased || releases)
                if histories[after] == nil {
                    histories[after] = history
                    open.append(after)
                }
            }
        }
    }

    @Test func finishesOfBothSidesCloseTheRelayInEitherOrder() {
        let orders: [[Event]] = [
            [.tcpFinish, .streamFinish, .wroteEverything],
            [.streamFinish, .tcpFinish, .wroteEverything],
            [.streamFinish, .wroteEverything, .tcpFinish],
        ]
        for order in orders {
            var machine = RelayStateMachine()
            let actions = order.map { $0.apply(to: &machine) }
            #expect(machine.isOver)
            #expect(actions.contains { $0.contains(.finishStream) })
            #expect(actions.last?.contains(.closeChannel) == true)
            #expect(!actions.contains { $0.contains(.abortChannel) })
        }
    }

    @Test func aResetOfEitherSideEndsBothHalves() {
        forEachStep { _, event, after, actions in
            switch event {
            case .tcpReset:
                #expect(after.isOver)
                // The channel is gone already: there is nothing to abort.
                #expect(actions.isDisjoint(with: [.abortChannel, .closeChannel, .shutdownOutput]))
            case .cut:
                #expect(after.isOver)
            case .streamReset where after.isOver:
                #expect(actions.isDisjoint(with: [.closeChannel, .shutdownOutput, .finishStream]))
            case .tcpFinish, .streamFinish, .wroteEverything, .streamReset, .stopped, .stoppedByReset, .closed,
                .closedByReset:
                break
            }
        }
    }

    @Test func aStreamThatClosedLeavesNoReceivingHalfOpen() {
        forEachStep { _, event, after, _ in
            guard event == .closed || event == .closedByReset else { return }
            #expect(!after.mayWrite)
        }
    }
}
