import { flatName } from '../model/plan.js'
import type { PlanItem } from '../model/plan.js'
import { started } from './history.js'
import type { IntendedStep } from './journal.js'

/** What an item of the plan is to leave in the markers, or take out of them; an accepted edit does neither. */
export function intendedSteps(item: PlanItem): IntendedStep[] {
  const { store } = item
  switch (item.action) {
    case 'step':
      return [{ store, track: item.track, step: item.step.name, direction: 'up' }]
    case 'undo':
      return [{ store, track: item.track, step: item.step.name, direction: 'down' }]
    case 'stamp':
      return item.stamp.entries.map(({ track, name }) => ({ store, track, step: name, direction: 'up' }))
    case 'flat':
      return [{ store, track: '', step: flatName, direction: 'up' }]
    case 'start':
      return [{ store, track: '', step: started, direction: 'up' }]
    case 'accept':
    case 'retry':
      return []
  }
}
