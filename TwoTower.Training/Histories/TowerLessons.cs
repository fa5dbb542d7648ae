using System.Numerics.Tensors;
using TwoTower.Core.Rows;

namespace TwoTower.Training.Histories;

/// <summary>What the user tower of a history recipe learns from, in the stages at which answers may get lost.</summary>
/// <param name="ClosedForm">The closed-form models together.</param>
/// <param name="Targets">Their answers, cut to the dimensions of the towers.</param>
/// <param name="Linear">The part of the tower that is a sum over the history.</param>
/// <param name="Smoothing">Added to the size of a history by which its sums are divided.</param>
/// <param name="Videos">The items.</param>
internal sealed record TowerLessons(
    ClosedFormModel ClosedForm, DistillationTargets Targets, LinearInitialization Linear, double Smoothing, IReadOnlyList<VideoRow> Videos)
{
    /// <summary>The scores of all items for a history, as a stage has them.</summary>
    /// <param name="scores">[items], overwritten.</param>
    public void Score((int[] Likes, int[] Nopes) history, TowerStage stage, float[] scores)
    {
        var alone = new ParallelOptions { MaxDegreeOfParallelism = 1 };
        var rank = Targets.Rank;
        var user = new float[rank];
        if (stage == TowerStage.LinearPart)
        {
            var sums = Linear.Pool([history], Smoothing, alone);
            TensorPrimitives.Add(sums.AsSpan(0, rank), sums.AsSpan(rank), user);
            TensorPrimitives.Add(user, Linear.Bias, user);
        }
        else
        {
            ClosedForm.Score(new[] { history }, scores, alone);
            if (stage == TowerStage.ClosedForm) return;
            for (var item = 0; item < scores.Length; item++) TensorPrimitives.MultiplyAdd(
                Targets.Projection.AsSpan(item * rank, rank), scores[item], user, user);
        }

        for (var item = 0; item < scores.Length; item++) scores[item] = TensorPrimitives.Dot<float>(
            user, Targets.Items.AsSpan(item * rank, rank));
    }
}

/// <summary>Where between the closed-form models and the served towers an answer is asked for.</summary>
internal enum TowerStage
{
    /// <summary>The closed-form models themselves.</summary>
    ClosedForm,

    /// <summary>Their answers, cut to the dimensions of the towers: what a perfect user tower would say.</summary>
    Cut,

    /// <summary>The user tower without its hidden layer.</summary>
    LinearPart,
}
