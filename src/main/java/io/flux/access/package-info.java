/**
 * Who may come in, and what they may do. Knows keys, limits and the ledger that counts; nothing of doors, jobs' lives or routes.
 */
package io.flux.access;
