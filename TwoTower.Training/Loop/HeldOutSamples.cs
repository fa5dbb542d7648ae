using System.Numerics.Tensors;

namespace TwoTower.Training.Loop;

/// <summary>Loss and accuracy on the held-out samples: each user and item is embedded once, then a sample is a dot product.</summary>
internal static class HeldOutSamples
{
    public static (double Loss, double Accuracy) Run(ITrainingBackend backend, TrainingSet set, double logitScale)
    {
        var (users, items) = backend.Embed();
        var dim = users.Length / set.Users.Count;
        var loss = 0.0;
        var correct = 0;
        foreach (var sample in set.ValidationRows)
        {
            double score = TensorPrimitives.Dot<float>(
                users.AsSpan(set.UserIndex[sample] * dim, dim), items.AsSpan(set.ItemIndex[sample] * dim, dim));
            loss += BinaryCrossEntropy.Loss(score, set.Labels[sample], logitScale);
            correct += score >= 0 == (set.Labels[sample] == 1) ? 1 : 0; // probability .5 is score 0
        }

        return (loss / set.ValidationRows.Length, (double)correct / set.ValidationRows.Length);
    }
}
