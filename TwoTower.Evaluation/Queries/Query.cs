using TwoTower.Core.Features;

namespace TwoTower.Evaluation.Queries;

/// <summary>One request of an evaluation: what a model may know of a user, and what it should find. Items are indices into <see cref="Split.Items"/>.</summary>
/// <param name="History">The decisions that a live request would see, with the profile.</param>
/// <param name="Likes">Items of the history that were liked.</param>
/// <param name="Nopes">Items of the history that were noped.</param>
/// <param name="Targets">Liked items that the model hasn't seen of this user; one at least.</param>
/// <param name="HeldOutNopes">Noped items that it hasn't seen either; perhaps none.</param>
internal sealed record Query(UserHistory History, int[] Likes, int[] Nopes, int[] Targets, int[] HeldOutNopes);
