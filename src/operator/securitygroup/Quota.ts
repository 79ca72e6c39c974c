/**
 * How many rules a group takes, which EC2 tells by refusals only.
 * Rule: what fits is opened whatever the quota is: a batch that is too large is made smaller, oldest rules first, and only
 * one that is refused alone tells where the limit is.
 */

/** EC2's default quota of rules per group and direction ("Amazon VPC quotas"). It can be raised, and lowered. */
const usualLimit = 60

/** Nothing was refused yet. */
export const anyNumber = Number.POSITIVE_INFINITY

/**
 * So many are tried after more than one were refused by the quota: up to the usual one, then ever fewer.
 *
 * @param present rules of that direction in the group
 * @param refused size of the batch, 2 or more
 */
export const nextBatch = (present: number, refused: number): number => {
  const toUsual = usualLimit - present
  return toUsual > 0 && toUsual < refused ? toUsual : Math.floor(refused / 2)
}
